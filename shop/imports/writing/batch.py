"""Hold what the shop has and what a batch of rows changes of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.imports.errors import RowError
from shop.imports.parsing.rows import Row
from shop.imports.writing.preparation import PreparedPicture
from shop.imports.writing.snapshots import Snapshot


@dataclass
class Changes:
    """Collect the rows that a batch writes, and count what became of its input rows.

    ``fields`` are those that differ in any of ``changed``; ``reworded`` are products that other
    words find than before. ``repriced`` are products of which a variant got another price, by
    identity in memory. ``warned`` are rows that were taken, with what staff should know;
    ``made_up`` counts sample values by column, ``None`` if nothing may be made up.
    ``before`` are snapshots of the products concerned, taken before anything is written; new
    products have none.
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
    made_up: Counter[str] | None = None
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    categories: list[Category] = field(default_factory=list)
    reworded: list[Product] = field(default_factory=list)
    repriced: dict[int, Product] = field(default_factory=dict)
    before: dict[int, Snapshot] = field(default_factory=dict)

    def product_ids(self) -> set[int]:
        """Return the keys of all products concerned; new ones have theirs once they are written."""
        products = {product.pk for product in (*self.new, *self.changed)}
        variants = {row.product_id for row in (*self.new_variants, *self.changed_variants)}
        images = (*self.new_images, *self.moved_images, *self.dropped_images)
        return (products | variants | {row.product_id for row in images}) - {None}


@dataclass
class Existing:
    """Hold what the batch may touch: rows of the shop, and those that the batch adds.

    ``products`` are keyed by external id, ``variants`` by SKU; ``siblings`` (a product's variants)
    and ``images`` by the product's identity in memory, since a new product has no key yet.
    """

    products: dict[str, Product] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    siblings: dict[int, list[Variant]] = field(default_factory=dict)
    images: dict[int, list[ProductImage]] = field(default_factory=dict)
