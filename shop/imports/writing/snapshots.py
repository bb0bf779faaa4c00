"""Take snapshots of products, which are used to roll an import back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from shop.catalogue.models import Product, ProductImage, Variant

FIELDS = (
    *("external_id", "name", "slug", "description", "brand", "category_id", "gender"),
    *("base_colour", "season", "year", "usage", "price", "currency", "listed", "updated"),
)
ROWS = (
    ("variants", Variant, ("sku", "size", "colour", "price", "stock", "position")),
    ("images", ProductImage, ("file", "width", "height", "alt", "position")),
)
# These fields are not compared: sales change the stock, and saving an unedited form changes
# ``updated``.
IGNORED = {"stock", "updated"}

# The JSON of one product: its ``fields``, and its ``variants`` and ``images`` by primary key.
Snapshot = dict[str, dict[str, Any]]


def take_snapshots(products: Iterable[int]) -> dict[int, Snapshot]:
    """Return the snapshots of the products that exist, by primary key."""
    ids = list(products)
    snapshots: dict[int, Snapshot] = {
        row.pop("id"): {"fields": _as_json(row), "variants": {}, "images": {}}
        for row in Product.objects.filter(pk__in=ids).order_by("pk").values("id", *FIELDS)
    }
    for part, model, names in ROWS:
        for row in model._default_manager.filter(product__in=ids).values("product", "id", *names):
            rows = snapshots[row.pop("product")][part]
            rows[str(row.pop("id"))] = _as_json(row)
    return snapshots


def fingerprint(snapshot: Snapshot) -> str:
    """Return a hash of the snapshot without the fields ``IGNORED``."""
    return hashlib.sha256(
        json.dumps(_without_ignored(snapshot), sort_keys=True).encode()
    ).hexdigest()


def _without_ignored(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_ignored(each) for name, each in value.items() if name not in IGNORED}
    return value


def _as_json(row: dict[str, Any]) -> Any:
    return json.loads(json.dumps(row, default=str))
