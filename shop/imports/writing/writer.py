"""Write batches, each in one transaction, so that a killed run leaves only complete batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from shop.catalogue.browsing.spelling import add_search_words, words_in
from shop.catalogue.locks import lock_products
from shop.catalogue.models import Category, Product, ProductImage, StoredFile, Variant
from shop.core.locks import AdvisoryLock, lock_until_commit
from shop.imports.signals import catalogue_imported
from shop.imports.writing.batch import Changes, Existing
from shop.imports.writing.categories import CategoryTree
from shop.imports.writing.changes import Defaults, find_changes
from shop.imports.writing.files import is_in_database, store_pictures
from shop.imports.writing.preparation import PreparedRow
from shop.imports.writing.snapshots import take_snapshots
from shop.imports.writing.unique import make_skus_unique, make_slugs_unique

# Statistics are out of date from this share of changed rows; it is the default of autovacuum.
STALE_SHARE = 0.1
AfterWrite = Callable[[Changes], None]


class Writer:
    """Writes prepared rows; a dry run only determines what would be written.

    With ``snapshots``, each batch takes snapshots for rolling back. With ``sample_data``, made-up
    values are used for what the rows of new products lack. ``category``, a path, and ``gender``
    apply to new products whose rows have none. ``padded`` has ids and SKUs whose leading zeros the
    file may have lost.
    """

    def __init__(
        self,
        *,
        dry_run: bool = False,
        snapshots: bool = False,
        sample_data: bool = False,
        new_categories: bool = True,
        category: str = "",
        gender: str = "",
        padded: Mapping[str, str] | None = None,
    ) -> None:
        self._dry_run, self._snapshots = dry_run, snapshots
        self._sample_data = sample_data
        self._tree = CategoryTree(dry_run=dry_run, allow_new=new_categories)
        self._defaults = Defaults(self._tree.require(category) if category else None, gender)
        self._padded = padded or {}
        self._words = Counter[str]()

    @property
    def new_categories(self) -> list[tuple[str, str]]:
        """Return the names of new categories, each with a similar existing name or ``""``."""
        return self._tree.new

    def write(self, rows: list[PreparedRow], after: AfterWrite) -> None:
        """Write a batch in a transaction.

        ``after`` is called with the changes within the transaction; an error that it raises rolls
        the batch back.
        """
        if self._dry_run:
            after(self._find(rows))
            return
        if not is_in_database():
            # Files are stored before the transaction, because a slow remote storage would keep rows
            # locked.
            store_pictures(p for row in rows for p in row.pictures or () if not p.known)
        with transaction.atomic():
            wait_for_other_imports()
            changes = self._find(rows)
            if self._snapshots:
                changes.before = take_snapshots(changes.product_ids())
            _apply(changes)
            after(changes)
            words = words_in(product.pk for product in (*changes.new, *changes.reworded))
            transaction.on_commit(_send_imported, robust=True)
        self._words += words

    def finish(self) -> None:
        """Update search words and statistics after the last batch.

        The words are only added to the counts, because recounting takes long; beat does that every
        hour.
        """
        if self._dry_run:
            return
        add_search_words(self._words)
        _analyze_stale_tables()
        _send_imported()

    def _find(self, rows: list[PreparedRow]) -> Changes:
        existing = _existing(rows, lock=not self._dry_run)
        existing.padded = self._padded
        sample = self._sample_data
        return find_changes(rows, existing, self._tree, self._defaults, sample_data=sample)


def _send_imported() -> None:
    # Errors of receivers, which occur for example without Redis, are ignored, because the import is
    # already committed.
    catalogue_imported.send_robust(sender=None)


def _analyze_stale_tables() -> None:
    """Analyse tables whose statistics are out of date.

    Until autovacuum analyses them, the old statistics would lead to bad query plans.
    """
    tables = [model._meta.db_table for model in (Category, Product, ProductImage, StoredFile)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            """SELECT relname FROM pg_stat_user_tables AS counted JOIN pg_class USING (relname)
            WHERE relid = pg_class.oid AND relname = ANY(%s)
              AND n_mod_since_analyze > %s * reltuples""",
            [tables, STALE_SHARE],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


def wait_for_other_imports(**kwargs: Any) -> None:
    """Block until no other import or merge is running a transaction.

    Others are then blocked until this transaction ends.
    """
    lock_until_commit(AdvisoryLock.IMPORT)


def _existing(rows: list[PreparedRow], *, lock: bool) -> Existing:
    """Return the rows that the batch may change, locked unless it is a dry run."""
    ids = _existing_products(rows)
    if lock:
        lock_products(ids)
    found = list(Product.objects.filter(pk__in=ids).select_related("category").defer("search"))
    products = {product.pk: product for product in found}
    existing = Existing({product.external_id: product for product in found if product.external_id})
    for product in found:
        if product.merged_into_id:
            product.merged_into = products[product.merged_into_id]
    variants = Variant.objects.filter(product__in=found).order_by("product_id", "position", "pk")
    for variant in variants:
        variant.product = products[variant.product_id]
        existing.variants[variant.sku] = variant
        existing.siblings.setdefault(id(variant.product), []).append(variant)
    images = ProductImage.objects.filter(product__in=found).order_by("position", "pk")
    for image in images:
        existing.images.setdefault(id(products[image.product_id]), []).append(image)
    return existing


def _existing_products(rows: list[PreparedRow]) -> list[int]:
    """Return the ids of the products of the rows; for merged products, also of their survivors."""
    wanted = Q(external_id__in=[prepared.row.external_id for prepared in rows])
    skus = [prepared.row.sku for prepared in rows if prepared.row.has_sku]
    if skus:
        owners = Variant.objects.filter(sku__in=skus).values_list("product_id", flat=True)
        wanted |= Q(pk__in=list(owners))
    found = dict(Product.objects.filter(wanted).values_list("pk", "merged_into"))
    return sorted({*found, *(survivor for survivor in found.values() if survivor)})


def _apply(changes: Changes) -> None:
    # Known pictures are stored, too, because the product and then the file may have been deleted in
    # the meantime.
    store_pictures(p for p in changes.files if p.known or is_in_database())
    if changes.new:
        slugs = [product.slug for product in changes.new]
        slugs_in_use = Product.objects.filter(slug__in=slugs).values_list("slug", flat=True)
        make_slugs_unique(changes.new, set(slugs_in_use))
        Product.objects.bulk_create(changes.new)
        skus = [variant.sku for variant in changes.new_variants]
        skus_in_use = Variant.objects.filter(sku__in=skus).values_list("sku", flat=True)
        make_skus_unique(changes.new_variants, set(skus_in_use))
    if changes.changed:
        changed = {product.pk: product for product in changes.changed}
        Product.objects.bulk_update(changed.values(), sorted(changes.fields))
    _apply_variants(changes)
    _apply_images(changes)


def _apply_variants(changes: Changes) -> None:
    # These variants are saved one by one in file order, because a unique size may move from one
    # variant to the next.
    for variant in changes.relabelled:
        variant.save(update_fields=["size", "colour"])
    if changes.changed_variants:
        variants = {variant.pk: variant for variant in changes.changed_variants}
        Variant.objects.bulk_update(variants.values(), ["stock", "price"])
    Variant.objects.bulk_create(changes.new_variants)


def _apply_images(changes: Changes) -> None:
    if changes.dropped_images:
        ProductImage.objects.filter(pk__in=[image.pk for image in changes.dropped_images]).delete()
    if changes.moved_images:
        ProductImage.objects.bulk_update(changes.moved_images, ["position"])
    ProductImage.objects.bulk_create(changes.new_images)
