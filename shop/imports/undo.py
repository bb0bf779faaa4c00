"""Takes back what an upload did, product by product, as far as nobody has built on it since."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from shop.catalogue.models import Product, ProductImage, Variant
from shop.imports.changes import Note
from shop.orders.models import OrderLine

if TYPE_CHECKING:
    from shop.imports.models import Upload, UploadChange

AT_ONCE = 200
IMAGE = ("file", "width", "height", "alt", "position")


def content(note: Note) -> dict[str, Any]:
    """What ``undo`` needs, as JSON; called after the rows were written."""
    return {
        "fields": note.fields,
        "variants": note.variants,
        "new_variants": [variant.sku for variant in note.new_variants],
        "new_images": [image.pk for image in note.new_images],
        "moved_images": [[image.pk, before] for image, before in note.moved_images],
        "dropped_images": [
            {name: getattr(image, name) for name in IMAGE} for image in note.dropped_images
        ],
    }


def undo(upload: Upload) -> None:
    """The last change first, in small transactions; a second call goes on. Raises ``Stopped``."""
    from shop.imports.models import Upload
    from shop.imports.uploads import Stopped

    while True:
        if Upload.objects.filter(pk=upload.pk, stop=True).exists():
            raise Stopped
        with transaction.atomic():
            changes = list(upload.changes.order_by("-pk")[:AT_ONCE])
            kept = [text for change in changes if (text := _undo(change))]
            upload.changes.filter(pk__in=[change.pk for change in changes]).delete()
            upload.warnings = [*upload.warnings, *kept]
            Upload.objects.filter(pk=upload.pk).update(
                undone=F("undone") + len(changes),
                warnings=upload.warnings,
                heartbeat=timezone.now(),
            )
        if len(changes) < AT_ONCE:
            break
    Upload.objects.filter(pk=upload.pk).update(state=Upload.State.UNDONE, stop=False)


def _undo(change: UploadChange) -> str:
    """Returns why something was left as it is; usually nothing."""
    locked = Product.objects.select_for_update(of=("self",)).defer("search")
    product = locked.filter(pk=change.product_id).first()
    if product is None:
        return ""
    if change.is_new:
        if OrderLine.objects.filter(variant__product=product).exists():
            return f"“{product}” stays: it has been ordered since."
        product.delete()
        return ""
    left = _restore_fields(product, change.content["fields"])
    left += _restore_variants(product, change.content)
    _restore_images(product, change.content)
    if not left:
        return ""
    return f"“{product}”: {', '.join(left)} was changed since and stays as it is."


def _restore_fields(product: Product, fields: dict[str, list[Any]]) -> list[str]:
    left, restored = [], {}
    for name, (before, after) in fields.items():
        attribute = "category_id" if name == "category" else name
        now = getattr(product, attribute)
        if (str(now) if isinstance(now, Decimal) else now) != after:
            left.append(name)
        else:
            restored[attribute] = Decimal(before) if isinstance(now, Decimal) else before
    if restored:
        Product.objects.filter(pk=product.pk).update(updated=timezone.now(), **restored)
    return [name for name in left if name != "keywords"]


def _restore_variants(product: Product, content: dict[str, Any]) -> list[str]:
    left = []
    variants = Variant.objects.filter(product=product)
    for sku, values in content["variants"].items():
        variant = variants.select_for_update().filter(sku=sku).first()
        if variant is None:
            continue
        for name, (before, after) in values.items():
            if name == "stock":
                # What was sold meanwhile stays sold.
                enough = variants.filter(pk=variant.pk, stock__gte=after - before)
                if not enough.update(stock=F("stock") + before - after):
                    left.append(f"stock of {sku}")
            elif str(getattr(variant, name)) == str(after):
                variants.filter(pk=variant.pk).update(**{name: before})
            else:
                left.append(f"{name} of {sku}")
    for sku in content["new_variants"]:
        new = variants.filter(sku=sku)
        if OrderLine.objects.filter(variant__in=new).exists():
            left.append(sku)
        else:
            new.delete()
    return left


def _restore_images(product: Product, content: dict[str, Any]) -> None:
    """Replaced pictures come back as fresh rows, and the worker looks at them again."""
    ProductImage.objects.filter(product=product, pk__in=content["new_images"]).delete()
    for pk, position in content["moved_images"]:
        ProductImage.objects.filter(product=product, pk=pk).update(position=position)
    for values in content["dropped_images"]:
        ProductImage.objects.create(product=product, **values)
