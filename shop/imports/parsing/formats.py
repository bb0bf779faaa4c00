"""The tables that other shops export, known by their header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from django.utils.translation import gettext as _

from shop.imports.errors import RowError
from shop.imports.parsing.columns import DESCRIBING, IMAGE
from shop.imports.parsing.html_text import HTML
from shop.imports.parsing.records import Record

SIZE_OPTIONS = frozenset(
    ["size", "größe", "groesse", "grösse", "taille", "talla", "taglia", "maat", "rozmiar"]
)
COLOUR_OPTIONS = frozenset(["color", "colour", "farbe", "couleur", "colore", "kleur", "kolor"])
# What is left of an option that a product does not have.
NO_OPTION = frozenset({"", "title", "titel"})
# A record with all cells of its row by the names of their columns in lower case.
Cells = dict[str, str]
Regroup = Callable[[Iterator[tuple[Record, Cells]]], Iterator[Record]]


@dataclass(frozen=True)
class Format:
    """Describe an export that is known by its header.

    All of ``marks`` stand in the header. ``columns`` maps names of columns in lower case to
    ours; ``regroup`` makes our rows of the format's, for which it reads the columns ``own`` too.
    """

    name: str
    marks: frozenset[str]
    columns: Mapping[str, str]
    own: re.Pattern[str]
    regroup: Regroup

    def is_own(self, cell: str) -> bool:
        """Return whether the column is read although it stands for none of ours."""
        return self.own.fullmatch(cell.lower()) is not None

    def records(self, records: Iterable[Record], header: Sequence[str]) -> Iterator[Record]:
        """Return the rows as ours. An empty gender says nothing, so that a chosen one stays."""
        names = [cell.lower() for cell in header]
        rows = ((record, dict(zip(names, record.cells, strict=False))) for record in records)
        for record in self.regroup(rows):
            if not record.values.get("gender", "").strip():
                record.values.pop("gender", None)
            yield record


def _option_values(cells: Cells, options: Mapping[str, str]) -> tuple[Cells, list[str]]:
    """Return the size and the colour of a variant, and which other options it has.

    ``options`` names each option by the column of its value.
    """
    found: Cells = {}
    others: list[str] = []
    for column, name in options.items():
        value = cells.get(column, "").strip()
        word = name.strip().casefold().removeprefix("pa_")
        if word in SIZE_OPTIONS:
            found["size"] = value
        elif word in COLOUR_OPTIONS:
            found["variantColour"] = value
        elif word not in NO_OPTION and value:
            others.append(name.strip())
    return found, others


def _with_options(record: Record, cells: Cells, options: Mapping[str, str]) -> Record:
    """Fill in what an option says, unless a column that staff chose says it."""
    found, others = _option_values(cells, options)
    text = _("The option %(name)s is not kept.")
    warnings = tuple(RowError(text % {"name": name}) for name in others)
    values = {"size": "", "variantColour": "", **found, **record.values}
    return replace(record, values=values, warnings=(*record.warnings, *warnings))


def _joined(cells: Iterable[str]) -> str:
    """Return the pictures that several cells name, each once."""
    return "|".join(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))


# Shopify: a product's first row describes it, the others are its variants or only pictures.

SHOPIFY_OPTIONS = {f"option{n} value": f"option{n} name" for n in (1, 2, 3)}


def _shopify(rows: Iterator[tuple[Record, Cells]]) -> Iterator[Record]:
    for handle, group in groupby(rows, key=lambda row: row[0].values.get("id", "").strip()):
        yield from _shopify_product(handle, list(group))


def _shopify_product(handle: str, rows: list[tuple[Record, Cells]]) -> Iterator[Record]:
    first, described = rows[0]
    options = {value: described.get(name, "") for value, name in SHOPIFY_OPTIONS.items()}
    variants = [first, *(record for record, cells in rows[1:] if _is_variant(record, cells))]
    for record, cells in rows:
        if not any(record is variant for variant in variants):
            continue
        values = dict(record.values)
        if IMAGE in values:
            images = (other.values.get(IMAGE, "") for other, _cells in rows)
            values[IMAGE] = _joined(images) if record is first else ""
        if len(variants) == 1 and not values.get("sku", handle).strip():
            values["sku"] = handle
        if not values.get("category", "").strip():
            values["category"] = cells.get("type", "").strip()
        if cells.get("status", "active").strip().lower() not in {"active", ""}:
            values["listed"] = "no"
        yield _with_options(replace(record, values=values), cells, options)


def _is_variant(record: Record, cells: Cells) -> bool:
    """Return whether the row is more than another picture of the product above it."""
    columns = ("sku", "price", *DESCRIBING)
    return bool(record.problem) or any(
        text.strip()
        for text in (
            *(record.values.get(column, "") for column in columns),
            *(cells.get(column, "") for column in SHOPIFY_OPTIONS),
        )
    )


SHOPIFY = Format(
    name="Shopify",
    marks=frozenset({"handle", "title", "body (html)", "variant price"}),
    columns={
        "handle": "id",
        "title": "productDisplayName",
        "body (html)": "description",
        "vendor": "brand",
        "product category": "category",
        "published": "listed",
        "variant sku": "sku",
        "variant price": "price",
        "variant inventory qty": "stock",
        "image src": IMAGE,
        "google shopping / gender": "gender",
    },
    own=re.compile(r"type|status|option[1-3] (name|value)"),
    regroup=_shopify,
)


# WooCommerce: variations stand below their product of the type "variable", which is no row of ours.

NO_CATEGORY = frozenset({"uncategorized", "unkategorisiert"})
ATTRIBUTE = re.compile(r"attribute ([0-9]+) name")


@dataclass
class _Parent:
    """Hold a product of which only its variations are rows of ours."""

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
            text = _("The product %(parent)s does not stand above its variation.")
            yield replace(record, problem=text % {"parent": cells.get("parent", "")[:80]})
    for parent in {id(parent): parent for parent in parents.values()}.values():
        if not parent.has_variations:
            yield replace(parent.record, problem=_("The product has no variations."))


def _woocommerce_record(record: Record, cells: Cells) -> Record:
    """Return the row with its own values read as ours, as if it were a simple product."""
    key = record.values.get("sku", "").strip() or cells.get("id", "").strip()
    values = record.values | {"sku": key, "id": key}
    values["category"], others = _deepest_category(record.values.get("category", ""))
    if "description" in values:
        text = values["description"].strip() or cells.get("short description", "")
        values["description"] = _with_paragraphs(text)
    if values.get("listed", "").strip() == "-1":
        values["listed"] = "no"
    if IMAGE in values:
        values[IMAGE] = _joined(values[IMAGE].split(","))
    warnings = record.warnings
    if others:
        message = _("Further categories are not kept: %(names)s") % {"names": ", ".join(others)}
        warnings = (*warnings, RowError(message, "category"))
    numbers = [found[1] for name in cells if (found := ATTRIBUTE.fullmatch(name))]
    options = {f"attribute {n} value(s)": cells[f"attribute {n} name"] for n in numbers}
    return _with_options(replace(record, values=values, warnings=warnings), cells, options)


def _variation(record: Record, cells: Cells, parent: _Parent) -> Record:
    """Return the variation with all that its product says of it."""
    parent.has_variations, is_first = True, not parent.has_variations
    own = {name: record.values.get(name, "") for name in ("sku", "price", "stock")}
    values = parent.record.values | own
    for name in ("size", "variantColour"):
        values[name] = record.values.get(name, "") or parent.options.get(name, "")
    if IMAGE in values:
        of_product = parent.record.values[IMAGE] if is_first else ""
        values[IMAGE] = _joined((*of_product.split("|"), *record.values[IMAGE].split("|")))
    warnings = (*(parent.record.warnings if is_first else ()), *record.warnings)
    if cells.get("published", "1").strip() not in {"1", ""}:
        values["stock"] = "0"
        warnings = (*warnings, RowError(_("The variation is not published: it is sold out.")))
    return replace(record, values=values, warnings=warnings)


def _single_options(record: Record) -> Cells:
    """Return the size and colour that all variations have; one of several values is no answer."""
    names = ("size", "variantColour")
    return {n: record.values[n] for n in names if "," not in record.values.get(n, ",")}


def _deepest_category(cell: str) -> tuple[str, list[str]]:
    """Return the first of the deepest categories, and those that it does not lie in."""
    parts = re.split(r"(?<!\\),", cell)
    paths = [path for part in parts if (path := part.replace("\\,", ",").strip())]
    paths = [path for path in paths if path.casefold() not in NO_CATEGORY]
    if not paths:
        return "", []
    chosen = max(paths, key=lambda path: path.count(">"))
    return chosen, [path for path in paths if not f"{chosen} >".startswith(f"{path} >")]


def _with_paragraphs(text: str) -> str:
    """Return a description whose line breaks are written out, and make paragraphs."""
    text = text.replace("\\n", "\n")
    return re.sub(r"\n\s*\n", "<p>", text) if HTML.search(text) else text


WOOCOMMERCE = Format(
    name="WooCommerce",
    marks=frozenset({"type", "sku", "name", "published", "regular price", "parent"}),
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
    own=re.compile(r"type|parent|short description|attribute [0-9]+ (name|value\(s\))"),
    regroup=_woocommerce,
)

FORMATS = (SHOPIFY, WOOCOMMERCE)


def known_format(header: Sequence[str]) -> Format | None:
    """Return the format that a header is of."""
    names = {cell.lower() for cell in header}
    return next((each for each in FORMATS if each.marks <= names), None)
