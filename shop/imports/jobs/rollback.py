"""Roll an upload back, product by product, skipping products that were changed afterwards."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from shop.catalogue.browsing.spelling import refresh_search_words
from shop.catalogue.locks import lock_products
from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.imports.errors import UploadStopped
from shop.imports.jobs.files import delete_files
from shop.imports.models import Upload, UploadChange
from shop.imports.signals import catalogue_imported
from shop.imports.writing.snapshots import Snapshot, fingerprint, take_snapshots
from shop.orders.models import OrderLine

PRODUCTS_PER_TRANSACTION = 200
# The snapshot of a product that does not exist yet.
NOTHING: Snapshot = {"fields": {}, "variants": {}, "images": {}}


def change_record(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """Return the JSON of ``UploadChange.content``, from which one product is rolled back.

    In the JSON, ``before`` is the snapshot to restore, ``after`` a hash that reveals later changes,
    and ``stock`` the number of units added to each variant. The files in ``dropped_images`` are
    protected from ``delete_unused`` by ``files_to_restore``.
    """
    stock = {pk: row["stock"] for pk, row in before["variants"].items()}
    return {
        "before": before,
        "after": fingerprint(after),
        "stock": {pk: row["stock"] - stock.get(pk, 0) for pk, row in after["variants"].items()},
        "dropped_images": [
            row for pk, row in before["images"].items() if pk not in after["images"]
        ],
    }


def roll_back(upload: Upload) -> None:
    """Roll the upload back in small transactions, starting with the last change.

    If a call is interrupted, the next one continues. Raises ``UploadStopped``.
    """
    while upload.changes.exists():
        if Upload.objects.filter(pk=upload.pk, stop=True).exists():
            raise UploadStopped
        with transaction.atomic():
            changes = _next_changes(upload)
            upload.warnings = list(dict.fromkeys([*upload.warnings, *_roll_back(changes)]))
            upload.changes.filter(pk__in=[change.pk for change in changes]).delete()
            Upload.objects.filter(pk=upload.pk).update(
                undone=F("undone") + len(changes),
                warnings=upload.warnings,
                heartbeat=timezone.now(),
            )
    _finish(upload)


def _next_changes(upload: Upload) -> list[UploadChange]:
    """Return the next changes to roll back, at most one per product.

    Several changes to one product must be rolled back one after the other.
    """
    changes: dict[int, UploadChange] = {}
    for change in upload.changes.order_by("-pk")[:PRODUCTS_PER_TRANSACTION]:
        if change.product_id in changes:
            break
        changes[change.product_id] = change
    return list(changes.values())


def _finish(upload: Upload) -> None:
    """Delete the files of the upload, and the categories that it created if they are empty."""
    with transaction.atomic():
        for pk in reversed(upload.categories):
            Category.objects.filter(pk=pk, products=None, children=None).delete()
        Upload.objects.filter(pk=upload.pk).update(state=Upload.State.ROLLED_BACK, stop=False)
        transaction.on_commit(partial(delete_files, upload), robust=True)
    refresh_search_words()
    catalogue_imported.send_robust(sender=None)


def _roll_back(changes: list[UploadChange]) -> list[str]:
    """Roll back changes of different products; return texts about what was skipped."""
    ids = [change.product_id for change in changes]
    lock_products(ids)
    products = Product.objects.select_related("category").defer("search").in_bulk(ids)
    snapshots = take_snapshots(ids)
    skipped, created = [], []
    for change in changes:
        product = products.get(change.product_id)
        if product is None:  # the product has been deleted since
            continue
        current = snapshots[product.pk]
        if reason := _blocker(product, change, current):
            skipped.append(reason % {"product": product})
        elif change.is_new:
            created.append(product.pk)
        else:
            skipped += _restore(product, change.content, current)
    Product.objects.filter(pk__in=created).delete()
    return skipped


def _blocker(product: Product, change: UploadChange, current: Snapshot) -> str:
    """Return why the product must not be rolled back, or an empty string."""
    if product.merged_into_id:
        return _("“%(product)s” was not rolled back: it has been merged into another product.")
    content = change.content
    if "after" not in content:  # version 0.1 did not store ``after``
        return _(
            "“%(product)s” was not rolled back: it was imported by an older version of the shop."
        )
    before = content["before"]
    created = current["variants"].keys() - before["variants"].keys()
    if OrderLine.objects.filter(variant__in=created).exists():
        return _("“%(product)s” was not rolled back: it has been ordered since.")
    # A new product or variant is deleted only if it is untouched: it has the imported stock, and no
    # other product was merged into it.
    restocked = any(current["variants"][pk]["stock"] != content["stock"].get(pk) for pk in created)
    merged = change.is_new and product.merged.exists()
    if restocked or merged or fingerprint(current) != content["after"]:
        return _("“%(product)s” was not rolled back: it has been changed since.")
    category = before["fields"].get("category_id", product.category_id)
    if category != product.category_id and not Category.objects.filter(pk=category).exists():
        return _("“%(product)s” was not rolled back: its former category no longer exists.")
    return ""


def _restore(product: Product, content: dict[str, Any], current: Snapshot) -> list[str]:
    """Restore the snapshot from before the upload, subtracting the stock that the upload added.

    If fewer units are left of a variant than the upload added, its stock is not changed, and a text
    about it is returned.
    """
    text = _("“%(product)s”: %(what)s was not rolled back, because it has been changed since.")
    before, name = content["before"], str(product)
    sold = _restore_variants(before["variants"], current["variants"], content["stock"])
    _restore_images(product, before["images"], current["images"])
    _restore_fields(product, before["fields"], current["fields"])
    return [text % {"product": name, "what": ", ".join(sold)}] if sold else []


def _restore_fields(product: Product, before: dict[str, Any], current: dict[str, Any]) -> None:
    changed = {name: value for name, value in before.items() if value != current[name]}
    for name, value in changed.items():
        setattr(product, name, value)
    if changed:
        # The keywords are not taken from the snapshot, because the category may have been renamed
        # since.
        changed["keywords"] = product.make_keywords()
        Product.objects.filter(pk=product.pk).update(**changed)


def _restore_variants(
    before: dict[str, Any], current: dict[str, Any], added: dict[str, int]
) -> list[str]:
    """Restore the variants; return texts about stock that could not be restored."""
    Variant.objects.filter(pk__in=current.keys() - before.keys()).delete()
    sold = []
    for pk, row in before.items():
        row["stock"] = current[pk]["stock"] - added[pk]
        if row["stock"] < 0:
            row["stock"] = current[pk]["stock"]
            names = {"field": Variant._meta.get_field("stock").verbose_name, "sku": row["sku"]}
            sold.append(_("%(field)s of %(sku)s") % names)
    changed = {pk: row for pk, row in before.items() if row != current[pk]}
    # The old sizes are freed first, because sizes are unique per product, and two variants may have
    # exchanged sizes.
    relabelled = [pk for pk, row in changed.items() if _label(row) != _label(current[pk])]
    freed = Concat(Value("~"), Cast("pk", CharField()))
    Variant.objects.filter(pk__in=relabelled).update(size=freed)
    for pk, row in changed.items():
        Variant.objects.filter(pk=pk).update(**row)
    return sold


def _label(row: dict[str, Any]) -> tuple[str, str]:
    return row["size"], row["colour"]


def _restore_images(product: Product, before: dict[str, Any], current: dict[str, Any]) -> None:
    """Restore the image rows; images that the upload deleted get their old primary keys."""
    ProductImage.objects.filter(pk__in=current.keys() - before.keys()).delete()
    for pk, row in before.items():
        if pk not in current:
            ProductImage.objects.create(pk=pk, product=product, **row)
        elif row != current[pk]:
            ProductImage.objects.filter(pk=pk).update(position=row["position"])


def files_to_restore(files: list[str], **kwargs: Any) -> list[str]:
    """Return the files that would be needed to roll an upload back."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT file FROM unnest(%s::text[]) AS file WHERE EXISTS (
                SELECT FROM imports_uploadchange WHERE content -> 'dropped_images'
                    @> jsonb_build_array(jsonb_build_object('file', file)))""",
            [files],
        )
        return [file for (file,) in cursor.fetchall()]
