"""Hearts and waiting mails when several products become one; nobody has two for one thing."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from shop.catalogue.merging import move_rows
from shop.wishlist.models import SavedProduct, StockAlert


def follow(stays: int, others: list[int], variants: dict[int, int], **kwargs: Any) -> list[str]:
    hearts = sum(move_rows(SavedProduct, "product", pk, stays, once_a="user") for pk in others)
    alerts = sum(
        move_rows(StockAlert, "variant", old, new, once_a="email") for old, new in variants.items()
    )
    texts = []
    if hearts:
        texts.append(ngettext("%d saved item", "%d saved items", hearts) % hearts)
    if alerts:
        texts.append(ngettext("%d stock alert", "%d stock alerts", alerts) % alerts)
    return texts
