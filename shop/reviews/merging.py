"""Move reviews when several products are merged into one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from shop.catalogue.merging import move_rows
from shop.reviews.models import Review


def on_products_merged(survivor: int, others: list[int], **kwargs: Any) -> list[str]:
    """Move reviews to the surviving product, unless the same order reviewed that one already."""
    count = sum(
        move_rows(Review, "product", other, survivor, unique_by="order") for other in others
    )
    return [ngettext("%d review", "%d reviews", count) % count] if count else []
