"""The catalogue as a table that the import reads: exporting and importing changes nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from shop.catalogue.models import Category, Variant
from shop.imports.rows import guarded
from shop.imports.table import FIELDS

CHUNK = 2000


class _Echo:
    def write(self, text: str) -> str:
        return text


def export_lines() -> Iterator[str]:
    """CSV in UTF-8 with a mark, line by line: a row for each variant."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + str(writer.writerow(FIELDS))
    names = {category.path: category.name for category in Category.objects.all()}
    for variant in _variants():
        values = _values(variant, names)
        yield str(writer.writerow(guarded(str(values[name])) for name in FIELDS))


def _variants() -> Iterable[Variant]:
    variants = Variant.objects.select_related("product__category").defer("product__search")
    # Rows of one product stand together.
    return variants.order_by("product_id", "position", "pk").iterator(CHUNK)


def _values(variant: Variant, names: dict[str, str]) -> dict[str, Any]:
    product = variant.product
    path = product.category.path
    parts = path.split("/")
    trail = [names["/".join(parts[: n + 1])] for n in range(len(parts))]
    first, second, third = trail[0], trail[min(1, len(trail) - 1)], trail[-1]
    return {
        "id": product.external_id or variant.sku,
        "gender": product.gender,
        "masterCategory": first,
        "subCategory": second,
        "articleType": third,
        "baseColour": product.base_colour,
        "season": product.season,
        "year": "" if product.year is None else product.year,
        "usage": product.usage,
        "productDisplayName": product.name,
        "brand": product.brand,
        "price": product.price,
        "currency": product.currency,
        "stock": variant.stock,
        "description": product.description,
        "sku": variant.sku,
        "size": variant.size,
        "variantColour": variant.colour,
        "variantPrice": "" if variant.price is None else variant.price,
        "categoryPath": path,
    }
