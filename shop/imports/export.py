"""Export the catalogue as a table that can be imported again without changing anything."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import IO, Any

from django.db.models import Exists, OuterRef

from shop.catalogue.models import Category, Product, Variant
from shop.imports.parsing.columns import EXPORTED
from shop.imports.parsing.formulas import escape_formula

CHUNK = 2000


class _Echo:
    def write(self, text: str) -> str:
        return text


def export_lines(rows: Iterator[tuple[str, ...]] | None = None) -> Iterator[str]:
    """Yield the lines of a CSV file in UTF-8 with BOM, with a row for each variant.

    If ``rows`` are given, header first, they are written instead of the catalogue.
    """
    writer = csv.writer(_Echo())
    rows = _rows() if rows is None else rows
    yield "\ufeff" + str(writer.writerow(next(rows)))
    for row in rows:
        yield str(writer.writerow(row))


def _rows() -> Iterator[tuple[str, ...]]:
    """Yield the cells of the header, and then those of each variant."""
    yield EXPORTED
    names = {category.path: category.name for category in Category.objects.all()}
    first: Variant | None = None
    for variant in _variants():
        if first is None or first.product_id != variant.product_id:
            first = variant
        values = _values(variant, names) | {"id": _id(first)}
        yield tuple(escape_formula(str(values[name])) for name in EXPORTED)


def write_workbook(file: IO[bytes], rows: Iterator[tuple[str, ...]] | None = None) -> int:
    """Write an Excel workbook and return the number of its rows without the header.

    All cells are text, because spreadsheets would change long numbers and dates. If ``rows`` are
    given, they are written instead of the catalogue.
    """
    from openpyxl import Workbook  # imported only here, because it takes 14 MB

    book = Workbook(write_only=True)
    sheet = book.create_sheet("catalogue")
    count = 0
    for values in _rows() if rows is None else rows:
        sheet.append([_text_cell(sheet, value) for value in values])
        count += 1
    book.save(file)
    return count - 1


def _text_cell(sheet: Any, value: str) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type, cell.number_format = "s", "@"
    return cell


def _variants() -> Iterable[Variant]:
    same = Product.objects.filter(external_id=OuterRef("sku"))
    variants = Variant.objects.select_related("product__category").defer("product__search")
    variants = variants.filter(product__merged_into=None).annotate(is_an_id=Exists(same))
    # The variants are ordered by product, because the rows of a product must be consecutive.
    return variants.order_by("product_id", "position", "pk").iterator(CHUNK)


def _id(first: Any) -> str:
    """Return the product's external id or, without one, the SKU of its first variant.

    A shop that imports the file groups the variants of a product by this id.
    """
    return first.product.external_id or ("" if first.is_an_id else str(first.sku))


def _values(variant: Variant, names: dict[str, str]) -> dict[str, Any]:
    product = variant.product
    path = product.category.path
    parts = path.split("/")
    trail = [names["/".join(parts[: n + 1])] for n in range(len(parts))]
    first, second, third = trail[0], trail[min(1, len(trail) - 1)], trail[-1]
    return {
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
        "price": "" if product.price is None else product.price,
        "currency": product.currency,
        "stock": variant.stock,
        "description": product.description,
        "listed": "yes" if product.listed else "no",
        "sku": variant.sku,
        "size": variant.size,
        "variantColour": variant.colour,
        "variantPrice": "" if variant.price is None else variant.price,
        "categoryPath": path,
    }
