"""The tree of categories: what changes at one changes below it, and in the words of the products.

``Category.path`` is that of the parent and the slug; lists, filters and exports go by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import CharField, Func, Max, TextField, Value
from django.db.models.functions import Concat, Length, NullIf, Substr
from django.utils.text import slugify
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from shop.catalogue.models import Category, Product

# Of a product, searched by beside its category.
ATTRIBUTES = ("base_colour", "gender", "usage", "season")


def keywords_of(product: Product) -> str:
    words = [_words_of(product.category), *(getattr(product, name) for name in ATTRIBUTES)]
    return " ".join(word for word in words if word)


def _words_of(category: Category) -> str:
    return f"{category.name} {category.path.replace('/', ' ').replace('-', ' ')}"


def _path_of(category: Category) -> str:
    slug = category.slug or slugify(category.name)
    return f"{category.parent.path}/{slug}" if category.parent else slug


def check(category: Category) -> None:
    """Whether it can stand where it is put. Raises ``ValidationError``."""
    from shop.catalogue.models import Category

    if connection.in_atomic_block:  # one at a time: two might put each below the other
        list(Category.objects.order_by("pk").select_for_update(no_key=True).values_list("pk"))
        if category.parent:
            category.parent.refresh_from_db(fields=["path"])
    below = Category.objects.filter(pk__in=Category.objects.ids_below(category))
    if below.filter(pk=category.parent_id or 0).exists():
        raise ValidationError({"parent": _("A category cannot stand below itself.")})
    path = _path_of(category)
    if Category.objects.filter(path=path).exclude(pk=category.pk).exists():
        text = _("Another category has the address “%(path)s”. Choose another slug or parent.")
        raise ValidationError({"slug": text % {"path": path}})
    longest = below.aggregate(n=Max(Length("path")))["n"] or 0
    limit = Category._meta.get_field("path").max_length or 0
    if longest - len(category.path) + len(path) > limit:
        text = _("This address, or one below it, has over %(limit)s characters. Shorten the slug.")
        raise ValidationError({"slug": text % {"limit": limit}})


@contextmanager
def placing(category: Category) -> Iterator[None]:
    """Around saving it, in a transaction: its own path, those below, the words of all products."""
    from shop.catalogue.models import Category, Product

    if category.parent:  # an import has read it long ago
        category.parent.refresh_from_db(fields=["path"])
    category.path = _path_of(category)
    before = Category.objects.filter(pk=category.pk).first()
    if before is None or (before.path, before.name) == (category.path, category.name):
        yield
        return
    ids = Category.objects.ids_below(before)
    # First and by key, as sales and imports lock them.
    products = Product.objects.filter(category__in=ids).order_by("pk")
    list(products.select_for_update(no_key=True).values_list("pk"))
    yield
    below = Category.objects.filter(pk__in=ids).exclude(pk=category.pk)
    rest = Substr("path", len(before.path) + 1)
    below.update(path=Concat(Value(category.path), rest, output_field=CharField()))
    for each in Category.objects.filter(pk__in=ids):
        each.products.update(keywords=_keywords_in(each))


def _keywords_in(category: Category) -> Func:
    """``keywords_of``, by the database."""
    attributes = (NullIf(name, Value("")) for name in ATTRIBUTES)
    words = (Value(" "), Value(_words_of(category)), *attributes)
    return Func(*words, function="CONCAT_WS", output_field=TextField())
