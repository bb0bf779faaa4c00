"""Define classes that hold the existing rows a batch may change, and its changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.imports.errors import RowError
from shop.imports.parsing.rows import Row
from shop.imports.writing.preparation import PreparedPicture
from shop.imports.writing.snapshots import Snapshot


@dataclass
class Changes:
    """Collects the database rows that a batch writes, and counts its input rows by outcome.

    ``fields`` are the fields that differ in any of the ``changed`` products. ``reworded`` products
    have new search words. ``repriced`` holds, by ``id()``, products with a variant whose price
    changed. ``relabelled`` variants have a new size or colour. ``warned`` holds rows that were
    imported with a warning. ``sample_values`` counts made-up values by column, and is ``None`` if
    no values may be made up. ``before`` holds snapshots that were taken of existing products before
    the batch.
    """

    new: list[Product] = field(default_factory=list)
    changed: list[Product] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    new_variants: list[Variant] = field(default_factory=list)
    changed_variants: list[Variant] = field(default_factory=list)
    relabelled: list[Variant] = field(default_factory=list)
    new_images: list[ProductImage] = field(default_factory=list)
    moved_images: list[ProductImage] = field(default_factory=list)
    dropped_images: list[ProductImage] = field(default_factory=list)
    files: list[PreparedPicture] = field(default_factory=list)
    rejected: list[tuple[Row, RowError]] = field(default_factory=list)
    warned: list[tuple[Row, RowError]] = field(default_factory=list)
    without_price: int = 0
    without_stock: int = 0
    sample_values: Counter[str] | None = None
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    categories: list[Category] = field(default_factory=list)
    reworded: list[Product] = field(default_factory=list)
    repriced: dict[int, Product] = field(default_factory=dict)
    before: dict[int, Snapshot] = field(default_factory=dict)

    def product_ids(self) -> set[int]:
        """Return the primary keys of all products in the batch.

        New products are included only after they have been written.
        """
        products = {product.pk for product in (*self.new, *self.changed)}
        variants = {row.product_id for row in (*self.new_variants, *self.changed_variants)}
        images = (*self.new_images, *self.moved_images, *self.dropped_images)
        return (products | variants | {row.product_id for row in images}) - {None}


@dataclass
class Existing:
    """Holds the database rows that a batch may change, including those that it adds.

    ``products`` are by external id, and ``variants`` by SKU. ``siblings``, the variants of a
    product, and ``images`` are by ``id()`` of the product, because a new product has no primary key
    yet. ``padded`` maps texts such as "8" to ids and SKUs with zeros before them, such as "008".
    """

    products: dict[str, Product] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    siblings: dict[int, list[Variant]] = field(default_factory=dict)
    images: dict[int, list[ProductImage]] = field(default_factory=dict)
    padded: Mapping[str, str] = field(default_factory=dict)
