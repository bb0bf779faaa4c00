"""Read WooCommerce's product export.

A product with variations has a row of its own above their rows. Each variation is imported as a
row, completed with the data of its product.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from shop.imports.errors import RowError
from shop.imports.parsing.columns import IMAGE
from shop.imports.parsing.formats.base import Cells, Format, join_pictures, with_options
from shop.imports.parsing.html_text import HTML
from shop.imports.parsing.records import Record

NO_CATEGORY = frozenset({"uncategorized", "unkategorisiert"})
ATTRIBUTE = re.compile(r"attribute ([0-9]+) name")


@dataclass
class _Parent:
    """Holds a product with variations; only the variations are imported as rows."""

    record: Record
    options: Cells
    has_variations: bool = False


def _woocommerce(rows: Iterator[tuple[Record, Cells]]) -> Iterator[Record]:
    parents: dict[str, _Parent] = {}
    for record, cells in rows:
        kind = cells.get("type", "").split(",")[0].strip().lower()
        record = _woocommerce_record(record, cells)
        if record.problem or kind in {"simple", ""}:
            yield record
        elif kind == "variable":
            parent = _Parent(record, _single_options(record))
            parents[record.values["id"]] = parents[f"id:{cells.get('id', '').strip()}"] = parent
        elif kind != "variation":
            text = _("Products of the type %(type)s are not imported.")
            yield replace(record, problem=text % {"type": kind[:40]})
        elif above := parents.get(cells.get("parent", "").strip()):
            yield _variation(record, cells, above)
        else:
            text = _("The product %(parent)s must be above its variations.")
            yield replace(record, problem=text % {"parent": cells.get("parent", "")[:80]})
    for parent in {id(parent): parent for parent in parents.values()}.values():
        if not parent.has_variations:
            yield replace(parent.record, problem=_("The product has no variations."))


def _woocommerce_record(record: Record, cells: Cells) -> Record:
    """Convert a row to our columns as if it were a product without variations."""
    key = record.values.get("sku", "").strip() or cells.get("id", "").strip()
    values = record.values | {"sku": key, "id": key}
    values["category"], others = _deepest_category(record.values.get("category", ""))
    if "description" in values:
        text = values["description"].strip() or cells.get("short description", "")
        values["description"] = _with_paragraphs(text)
    if values.get("listed", "").strip() == "-1":
        values["listed"] = "no"
    if IMAGE in values:
        values[IMAGE] = join_pictures(values[IMAGE].split(","))
    warnings = record.warnings
    if others:
        message = _("Further categories are ignored: %(names)s") % {"names": ", ".join(others)}
        warnings = (*warnings, RowError(message, "category"))
    numbers = [found[1] for name in cells if (found := ATTRIBUTE.fullmatch(name))]
    options = {f"attribute {n} value(s)": cells[f"attribute {n} name"] for n in numbers}
    return with_options(replace(record, values=values, warnings=warnings), cells, options)


def _variation(record: Record, cells: Cells, parent: _Parent) -> Record:
    """Return the record of a variation, completed with the data of its product."""
    parent.has_variations, is_first = True, not parent.has_variations
    own = {name: record.values.get(name, "") for name in ("sku", "price", "stock")}
    values = parent.record.values | own
    for name in ("size", "variantColour"):
        values[name] = record.values.get(name, "") or parent.options.get(name, "")
    if IMAGE in values:
        product_images = parent.record.values[IMAGE] if is_first else ""
        values[IMAGE] = join_pictures(
            (*product_images.split("|"), *record.values[IMAGE].split("|"))
        )
    warnings = (*(parent.record.warnings if is_first else ()), *record.warnings)
    if values["stock"].strip().lower() == "parent":
        values["stock"] = "0"
        text = _("Only the product has a stock, not this variation: its stock is imported as 0.")
        warnings = (*warnings, RowError(text, "stock"))
    if cells.get("published", "1").strip() not in {"1", ""}:
        values["stock"] = "0"
        warnings = (
            *warnings,
            RowError(_("The variation is not published: it is imported as sold out.")),
        )
    return replace(record, values=values, warnings=warnings)


def _single_options(record: Record) -> Cells:
    """Return the size and colour of the product, leaving out a cell that lists several values."""
    names = ("size", "variantColour")
    return {n: record.values[n] for n in names if "," not in record.values.get(n, ",")}


def _deepest_category(cell: str) -> tuple[str, list[str]]:
    """Return the deepest category in a cell, and the other categories except its ancestors."""
    parts = re.split(r"(?<!\\),", cell)
    paths = [path for part in parts if (path := part.replace("\\,", ",").strip())]
    paths = [path for path in paths if path.casefold() not in NO_CATEGORY]
    if not paths:
        return "", []
    chosen = max(paths, key=lambda path: path.count(">"))
    return chosen, [path for path in paths if not f"{chosen} >".startswith(f"{path} >")]


def _with_paragraphs(text: str) -> str:
    """Convert each ``\\n`` in a description, a backslash and an n, to a line break or paragraph."""
    text = text.replace("\\n", "\n")
    return re.sub(r"\n\s*\n", "<p>", text) if HTML.search(text) else text


WOOCOMMERCE = Format(
    name="WooCommerce",
    required=frozenset({"type", "sku", "name", "published", "regular price", "parent"}),
    columns={
        "id": "id",
        "sku": "sku",
        "name": "productDisplayName",
        "published": "listed",
        "description": "description",
        "stock": "stock",
        "regular price": "price",
        "categories": "category",
        "images": IMAGE,
        "brands": "brand",
    },
    extra=re.compile(r"type|parent|short description|attribute [0-9]+ (name|value\(s\))"),
    regroup=_woocommerce,
)
