"""Rename and move categories, and update the paths of descendants and the product keywords."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import CharField, Func, Max, TextField, Value
from django.db.models.functions import Concat, Length, NullIf, Substr
from django.utils.translation import gettext as _

from shop.catalogue.models import Category, Product
from shop.catalogue.models.product import KEYWORD_ATTRIBUTES, category_keywords


def validate_position(category: Category) -> None:
    """Raise ``ValidationError`` if the category cannot have this parent or slug.

    In a transaction, all categories are locked, because two concurrent moves could create a cycle.
    """
    if connection.in_atomic_block:  # a lock needs a transaction
        list(Category.objects.order_by("pk").select_for_update(no_key=True).values_list("pk"))
        if category.parent:
            category.parent.refresh_from_db(fields=["path"])
    descendants = Category.objects.filter(pk__in=Category.objects.descendant_ids(category))
    if descendants.filter(pk=category.parent_id or 0).exists():
        raise ValidationError({"parent": _("A category cannot be placed below itself.")})
    path = category.make_path()
    if Category.objects.filter(path=path).exclude(pk=category.pk).exists():
        text = _(
            "Another category already has the address “%(path)s”. Choose another slug or parent."
        )
        raise ValidationError({"slug": text % {"path": path}})
    longest = descendants.aggregate(n=Max(Length("path")))["n"] or 0
    limit = Category._meta.get_field("path").max_length or 0
    if longest - len(category.path) + len(path) > limit:
        text = _(
            "This address, or one below it, is longer than %(limit)s characters. Shorten the slug."
        )
        raise ValidationError({"slug": text % {"limit": limit}})


@transaction.atomic
def save_category(category: Category) -> None:
    """Save the category; if its path or name changed, update descendants and product keywords."""
    before = Category.objects.filter(pk=category.pk).first()
    if category.parent:
        # The path is read again, because an import may have read the parent long ago.
        category.parent.refresh_from_db(fields=["path"])
    if before is None or (before.path, before.name) == (category.make_path(), category.name):
        category.save()
        return
    ids = Category.objects.descendant_ids(before)
    # Products are locked in primary-key order, as in sales and imports, because another order could
    # deadlock.
    products = Product.objects.filter(category__in=ids).order_by("pk")
    list(products.select_for_update(no_key=True).values_list("pk"))
    category.save()
    descendants = Category.objects.filter(pk__in=ids).exclude(pk=category.pk)
    rest = Substr("path", len(before.path) + 1)
    descendants.update(path=Concat(Value(category.path), rest, output_field=CharField()))
    for each in Category.objects.filter(pk__in=ids):
        each.products.update(keywords=_keywords_expression(each))


def _keywords_expression(category: Category) -> Func:
    """Return the SQL equivalent of ``Product.make_keywords``."""
    attributes = (NullIf(name, Value("")) for name in KEYWORD_ATTRIBUTES)
    words = (Value(" "), Value(category_keywords(category)), *attributes)
    return Func(*words, function="CONCAT_WS", output_field=TextField())
