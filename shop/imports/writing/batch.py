"""The books of a batch: what the shop had, what is to be written, what was done to each product."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.imports.errors import RowError
from shop.imports.parsing.rows import Row
from shop.imports.writing.preparation import PreparedPicture

# The fields whose words are searched by, but the description's.
WORDS = {"name", "brand", "keywords"}


@dataclass
class Note:
    """What was done to one product, so that it can be undone."""

    product: Product
    is_new: bool = False
    fields: dict[str, list[Any]] = field(default_factory=dict)
    variants: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    new_variants: list[Variant] = field(default_factory=list)
    new_images: list[ProductImage] = field(default_factory=list)
    moved_images: list[tuple[ProductImage, int]] = field(default_factory=list)
    dropped_images: list[ProductImage] = field(default_factory=list)


@dataclass
class Changes:
    """Rows to write. ``fields`` are those that any of ``changed`` has anew."""

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
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    categories: list[Category] = field(default_factory=list)
    notes: dict[int, Note] = field(default_factory=dict)

    def note(self, product: Product) -> Note:
        return self.notes.setdefault(id(product), Note(product))

    def with_other_words(self) -> list[int]:
        """The products, once they are written, that words may find which did not before."""
        notes = self.notes.values()
        return [note.product.pk for note in notes if note.is_new or WORDS & note.fields.keys()]


@dataclass
class Existing:
    """What is in the shop; grows by what the batch makes.

    ``products`` by external id, ``variants`` by SKU, ``siblings`` are a product's variants and
    ``images`` its pictures, both by the product's identity in memory.
    """

    products: dict[str, Product] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    siblings: dict[int, list[Variant]] = field(default_factory=dict)
    images: dict[int, list[ProductImage]] = field(default_factory=dict)


def plain(value: Any) -> Any:
    """As it stands in JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
