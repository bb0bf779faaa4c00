"""Read Shopify's product CSV.

The first row of a product describes it; the rows below add variants or pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from shop.imports.parsing.columns import DESCRIBING, IMAGE
from shop.imports.parsing.formats.base import (
    Cells,
    Format,
    gender_by_age,
    join_pictures,
    with_options,
)
from shop.imports.parsing.records import Record

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
            values[IMAGE] = join_pictures(images) if record is first else ""
        if len(variants) == 1 and not values.get("sku", handle).strip():
            values["sku"] = handle
        if not values.get("category", "").strip():
            values["category"] = cells.get("type", "").strip()
        if "gender" in values:
            age_group = cells.get("google shopping / age group", "")
            values["gender"] = gender_by_age(values["gender"], age_group)
        if cells.get("status", "active").strip().lower() not in {"active", ""}:
            values["listed"] = "no"
        yield with_options(replace(record, values=values), cells, options)


def _is_variant(record: Record, cells: Cells) -> bool:
    """Return whether the row is a variant; otherwise it is only another picture of the product."""
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
    required=frozenset({"handle", "title", "body (html)", "variant price"}),
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
    extra=re.compile(r"type|status|option[1-3] (name|value)|google shopping / age group"),
    regroup=_shopify,
)
# The same format with the column names of Shopify's template since 2025.
SHOPIFY_2025 = replace(
    SHOPIFY,
    required=frozenset({"url handle", "title", "published on online store", "price"}),
    columns={
        "url handle": "id",
        "title": "productDisplayName",
        "description": "description",
        "vendor": "brand",
        "product category": "category",
        "published on online store": "listed",
        "sku": "sku",
        "price": "price",
        "inventory quantity": "stock",
        "product image url": IMAGE,
        "google shopping / gender": "gender",
    },
)
