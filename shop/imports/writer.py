"""Writes batches: each in one transaction, so that a killed run leaves only whole ones."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

from django.db import connection, transaction

from shop.catalogue.models import Category, Product, ProductImage, StoredFile, Variant
from shop.catalogue.search import refresh_search_words
from shop.imports.categories import CategoryTree
from shop.imports.changes import Changes, find_changes, make_skus_unique, make_slugs_unique
from shop.imports.files import is_in_database, store_pictures
from shop.imports.preparation import PreparedRow
from shop.imports.signals import catalogue_imported

# Any number that nothing else in this database uses for an advisory lock.
IMPORT_LOCK = 7_413_001


class Writer:
    """Writes prepared rows; a rehearsal only finds out what would be written."""

    def __init__(self, *, rehearsal: bool = False) -> None:
        self._rehearsal = rehearsal
        self._tree = CategoryTree(rehearsal=rehearsal)

    def write(self, rows: list[PreparedRow]) -> Changes:
        if not rows:
            return Changes()
        if self._rehearsal:
            return self._find(rows)
        if not is_in_database():
            # A slow remote storage must not keep rows locked; a file too many does no harm.
            store_pictures(picture for row in rows for picture in row.pictures)
        with transaction.atomic():
            _wait_for_other_imports()
            changes = self._find(rows)
            _apply(changes)
            ids = [image.pk for image in changes.new_images]
            transaction.on_commit(partial(_announce, ids), robust=True)
        return changes

    def finish(self) -> None:
        """What the whole catalogue needs once after all batches."""
        if self._rehearsal:
            return
        refresh_search_words()
        with connection.cursor() as cursor:
            for model in (Category, Product, ProductImage, StoredFile):
                cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")
        _announce([])

    def _find(self, rows: list[PreparedRow]) -> Changes:
        products = _existing_products(rows, lock=not self._rehearsal)
        images = _existing_images(products)
        variants = _existing_variants(products, lock=not self._rehearsal)
        return find_changes(rows, products, images, variants, self._tree)


def _announce(image_ids: list[int]) -> None:
    # Robust: the pictures are in, and a listener that fails (Redis is away) must not undo that.
    catalogue_imported.send_robust(sender=None, image_ids=image_ids)


def _wait_for_other_imports() -> None:
    """Two imports take turns batch by batch, so that both see what exists."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])


def _existing_products(rows: list[PreparedRow], *, lock: bool) -> dict[str, Product]:
    ids = [prepared.row.external_id for prepared in rows]
    products = Product.objects.filter(external_id__in=ids).select_related("category")
    products = products.defer("search").order_by("pk")
    if lock:
        products = products.select_for_update(of=("self",))
    return {product.external_id or "": product for product in products}


def _existing_variants(products: dict[str, Product], *, lock: bool) -> dict[str, Variant]:
    variants = Variant.objects.filter(sku__in=list(products), product__in=list(products.values()))
    variants = variants.order_by("product_id", "pk")
    return {
        variant.sku: variant for variant in (variants.select_for_update() if lock else variants)
    }


def _existing_images(products: dict[str, Product]) -> dict[int, list[ProductImage]]:
    found = ProductImage.objects.filter(product__in=list(products.values()))
    images = defaultdict(list)
    for image in found.order_by("position", "pk"):
        images[image.product_id].append(image)
    return images


def _apply(changes: Changes) -> None:
    if is_in_database():
        store_pictures(changes.files)
    if changes.new:
        slugs = [product.slug for product in changes.new]
        taken = Product.objects.filter(slug__in=slugs).values_list("slug", flat=True)
        make_slugs_unique(changes.new, set(taken))
        Product.objects.bulk_create(changes.new)
        skus = [variant.sku for variant in changes.new_variants]
        used = Variant.objects.filter(sku__in=skus).values_list("sku", flat=True)
        make_skus_unique(changes.new_variants, set(used))
        Variant.objects.bulk_create(changes.new_variants)
    if changes.changed:
        Product.objects.bulk_update(changes.changed, sorted(changes.fields))
    if changes.restocked:
        Variant.objects.bulk_update(changes.restocked, ["stock"])
    _apply_images(changes)


def _apply_images(changes: Changes) -> None:
    if changes.dropped_images:
        ProductImage.objects.filter(pk__in=[image.pk for image in changes.dropped_images]).delete()
    if changes.moved_images:
        ProductImage.objects.bulk_update(changes.moved_images, ["position"])
    ProductImage.objects.bulk_create(changes.new_images)
