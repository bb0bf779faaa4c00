"""Read Google's product feed, in which each row is a variant with all data of its product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from shop.imports.parsing.columns import IMAGE
from shop.imports.parsing.formats.base import Cells, Format, gender_by_age, join_pictures
from shop.imports.parsing.records import Record

CURRENCY = re.compile(r"(?<![A-Z])[A-Z]{3}(?![A-Z])")


def _google(rows: Iterator[tuple[Record, Cells]]) -> Iterator[Record]:
    for record, cells in rows:
        values = dict(record.values)
        if "id" in values and not values["id"].strip():
            values["id"] = values.get("sku", "")
        if found := CURRENCY.search(values.get("price", "")):
            values["currency"] = found[0]
        if IMAGE in values:
            more = cells.get("additional image link", "").split(",")
            values[IMAGE] = join_pictures((values[IMAGE], *more))
        if "gender" in values:
            values["gender"] = gender_by_age(values["gender"], cells.get("age group", ""))
        yield replace(record, values=values)


GOOGLE = Format(
    name="Google",
    required=frozenset({"id", "title", "link", "image link", "price", "availability"}),
    columns={
        "id": "sku",
        "item group id": "id",
        "title": "productDisplayName",
        "description": "description",
        "image link": IMAGE,
        "price": "price",
        "brand": "brand",
        "gender": "gender",
        "color": "variantColour",
        "size": "size",
        "product type": "category",
        "quantity": "stock",
    },
    extra=re.compile(r"additional image link|age group"),
    regroup=_google,
)
