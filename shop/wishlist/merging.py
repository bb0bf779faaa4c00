"""Move wishlist items and stock alerts when several products are merged into one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from shop.catalogue.merging import move_rows
from shop.wishlist.models import SavedProduct, StockAlert


def on_products_merged(
    survivor: int, others: list[int], variants: dict[int, int], **kwargs: Any
) -> list[str]:
    """Move rows to the survivor; delete a row if its user or e-mail already has one there."""
    saved = sum(
        move_rows(SavedProduct, "product", old, survivor, unique_by="user") for old in others
    )
    alerts = sum(
        move_rows(StockAlert, "variant", old, new, unique_by="email")
        for old, new in variants.items()
    )
    texts = []
    if saved:
        texts.append(ngettext("%d wishlist item", "%d wishlist items", saved) % saved)
    if alerts:
        texts.append(ngettext("%d back-in-stock alert", "%d back-in-stock alerts", alerts) % alerts)
    return texts
