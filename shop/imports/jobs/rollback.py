"""Takes back what an upload did, product by product, as far as nobody has built on it since."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from shop.catalogue.browsing.search import refresh_search_words
from shop.catalogue.locks import lock_products
from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.imports.errors import UploadStopped
from shop.imports.jobs.files import delete_files
from shop.imports.models import Upload, UploadChange
from shop.imports.signals import catalogue_imported
from shop.imports.writing.batch import Note, plain
from shop.orders.models import OrderLine

AT_ONCE = 200
IMAGE = ("file", "width", "height", "alt", "position")
# They follow from the others, and nobody types them.
SILENT = {"keywords", "updated"}


def content(note: Note) -> dict[str, Any]:
    """What ``undo`` needs, as JSON; called after the rows were written."""
    return {
        "updated": note.product.updated.isoformat(),
        "fields": note.fields,
        # As a list: jsonb does not keep the order of keys.
        "variants": [[sku, values] for sku, values in note.variants.items()],
        "new_variants": {variant.sku: _variant(variant) for variant in note.new_variants},
        "new_images": [[image.pk, image.file] for image in note.new_images],
        "moved_images": [[image.pk, before, image.position] for image, before in note.moved_images],
        "dropped_images": [
            {name: getattr(image, name) for name in IMAGE} for image in note.dropped_images
        ],
    }


def _variant(variant: Variant) -> list[Any]:
    return [variant.size, variant.colour, plain(variant.price), variant.stock]


@dataclass
class Now:
    """The products of some changes as they are now, locked."""

    products: dict[int, Product]
    variants: dict[int, dict[str, Variant]]
    images: dict[int, dict[int, ProductImage]]
    ordered: set[int]


def undo(upload: Upload) -> None:
    """Undo the last change first, in small transactions; a second call goes on.

    Raises ``UploadStopped``.
    """
    while upload.changes.exists():
        if Upload.objects.filter(pk=upload.pk, stop=True).exists():
            raise UploadStopped
        with transaction.atomic():
            changes = _next_changes(upload)
            upload.warnings = [*upload.warnings, *_undo_all(changes)]
            upload.changes.filter(pk__in=[change.pk for change in changes]).delete()
            Upload.objects.filter(pk=upload.pk).update(
                undone=F("undone") + len(changes),
                warnings=upload.warnings,
                heartbeat=timezone.now(),
            )
    _finish(upload)


def _next_changes(upload: Upload) -> list[UploadChange]:
    """Up to the second one of a product, which must see what undoing the first has left."""
    changes: dict[int, UploadChange] = {}
    for change in upload.changes.order_by("-pk")[:AT_ONCE]:
        if change.product_id in changes:
            break
        changes[change.product_id] = change
    return list(changes.values())


def _finish(upload: Upload) -> None:
    with transaction.atomic():
        for pk in reversed(upload.categories):
            Category.objects.filter(pk=pk, products=None, children=None).delete()
        Upload.objects.filter(pk=upload.pk).update(state=Upload.State.UNDONE, stop=False)
        transaction.on_commit(partial(delete_files, upload), robust=True)
    refresh_search_words()
    catalogue_imported.send_robust(sender=None, image_ids=[])


def _undo_all(changes: list[UploadChange]) -> list[str]:
    """Returns what was left as it is, and why; usually nothing."""
    now = _look([change.product_id for change in changes])
    kept, gone = [], []
    for change in changes:
        product = now.products.get(change.product_id)
        if product is None:
            continue
        if product.merged_into_id:
            text = _("“%(product)s” stays: it was merged into another product since.")
            kept.append(text % {"product": product})
            continue
        reason = _why_not(product, change.content, now) if change.is_new else ""
        if reason:
            kept.append(reason % {"product": product})
        elif change.is_new:
            gone.append(product.pk)
        elif left := _restore(product, change.content, now):
            text = _("“%(product)s”: %(what)s was changed since and stays as it is.")
            kept.append(text % {"product": product, "what": ", ".join(left)})
    Product.objects.filter(pk__in=gone).delete()
    return kept


def _look(pks: list[int]) -> Now:
    lock_products(pks)
    products = Product.objects.defer("search").in_bulk(pks)
    variants: dict[int, dict[str, Variant]] = defaultdict(dict)
    theirs = Variant.objects.filter(product__in=products).order_by("product_id", "pk")
    for variant in theirs:
        variants[variant.product_id][variant.sku] = variant
    images: dict[int, dict[int, ProductImage]] = defaultdict(dict)
    for image in ProductImage.objects.filter(product__in=products).only("product_id", *IMAGE):
        images[image.product_id][image.pk] = image
    lines = OrderLine.objects.filter(variant__product__in=products)
    ordered = {pk for pk in lines.values_list("variant_id", flat=True) if pk}
    return Now(products, variants, images, ordered)


def _why_not(product: Product, content: dict[str, Any], now: Now) -> str:
    """Why a product that the upload has made is not to go."""
    variants = now.variants[product.pk]
    if any(variant.pk in now.ordered for variant in variants.values()):
        return _("“%(product)s” stays: it has been ordered since.")
    same = (
        product.updated.isoformat() == content["updated"]
        and {sku: _variant(variant) for sku, variant in variants.items()} == content["new_variants"]
        and sorted([image.pk, image.file] for image in now.images[product.pk].values())
        == sorted(content["new_images"])
    )
    return "" if same else _("“%(product)s” stays: it has been changed since.")


def _restore(product: Product, content: dict[str, Any], now: Now) -> list[str]:
    """Returns what was left."""
    # New variants go first: they may have the sizes that others get back.
    left = _remove_variants(product, content, now)
    left += _restore_variants(product, content, now)
    if not _restore_images(product, content, now):
        left.append(_("pictures"))
    return _restore_fields(product, content["fields"], touched=bool(left)) + left


def _restore_fields(product: Product, fields: dict[str, list[Any]], *, touched: bool) -> list[str]:
    left, restored = [], {}
    for name, (before, after) in fields.items():
        attribute = "category_id" if name == "category" else name
        value = getattr(product, attribute)
        if plain(value) != after:
            left.append(name)
        elif before != after:
            restored[attribute] = _like(value, before)
    if restored:
        if left or touched:
            restored["updated"] = timezone.now()
        Product.objects.filter(pk=product.pk).update(**restored)
    return [_label(product, name) for name in sorted(set(left) - SILENT)]


def _label(of: Product | Variant, name: str) -> str:
    return str(getattr(of._meta.get_field(name), "verbose_name", name))


def _like(value: Any, text: Any) -> Any:
    """From JSON to the type that the field has now."""
    if isinstance(value, Decimal):
        return Decimal(text)
    return datetime.fromisoformat(text) if isinstance(value, datetime) else text


def _restore_variants(product: Product, content: dict[str, Any], now: Now) -> list[str]:
    left = []
    theirs = now.variants[product.pk]
    changes = content["variants"]
    if isinstance(changes, dict):  # noted before it was a list
        changes = list(changes.items())
    # The last change first, as sizes may have passed from one variant to the next.
    for sku, values in reversed(changes):
        if sku in theirs:
            left += _restore_variant(theirs[sku], values)
        else:
            left.append(sku)
    return left


def _restore_variant(variant: Variant, values: dict[str, list[Any]]) -> list[str]:
    left, restored = [], {}
    for name, (before, after) in values.items():
        value = getattr(variant, name)
        if name == "stock":
            # What was sold meanwhile stays sold.
            value, after = value >= after - before, True
            before = F("stock") + values[name][0] - values[name][1]
        if plain(value) == after:
            restored[name] = before
        else:
            names = {"field": _label(variant, name), "sku": variant.sku}
            left.append(_("%(field)s of %(sku)s") % names)
    try:
        with transaction.atomic():
            if restored:
                Variant.objects.filter(pk=variant.pk).update(**restored)
    except IntegrityError:  # another has that size and colour by now
        return [variant.sku]
    return left


def _remove_variants(product: Product, content: dict[str, Any], now: Now) -> list[str]:
    """Those that the upload has made. Returns the SKUs of those that were used since."""
    left, gone = [], []
    for sku, values in content["new_variants"].items():
        variant = now.variants[product.pk].get(sku)
        if variant is None:
            continue
        if variant.pk in now.ordered or _variant(variant) != values:
            left.append(sku)
        else:
            gone.append(variant.pk)
    Variant.objects.filter(pk__in=gone).delete()
    return left


def _restore_images(product: Product, content: dict[str, Any], now: Now) -> bool:
    """Replaced pictures come back as fresh rows, and the worker looks at them again.

    ``False`` if somebody has touched one of those in question; then all stay.
    """
    images = now.images[product.pk]
    new, moved = content["new_images"], content["moved_images"]
    as_written = all(pk in images and images[pk].file == file for pk, file in new) and all(
        pk in images and images[pk].position == after for pk, _before, after in moved
    )
    if not as_written:
        return False
    ProductImage.objects.filter(pk__in=[pk for pk, _file in new]).delete()
    for pk, before, _after in moved:
        ProductImage.objects.filter(pk=pk).update(position=before)
    for values in content["dropped_images"]:
        ProductImage.objects.create(product=product, **values)
    return True


def shown_again(files: list[str], **kwargs: Any) -> list[str]:
    """Those that undoing an upload would bring back."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT file FROM unnest(%s::text[]) AS file WHERE EXISTS (
                SELECT FROM imports_uploadchange WHERE content -> 'dropped_images'
                    @> jsonb_build_array(jsonb_build_object('file', file)))""",
            [files],
        )
        return [file for (file,) in cursor.fetchall()]
