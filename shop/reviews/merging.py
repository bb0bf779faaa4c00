"""Move reviews along when several products become one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from shop.reviews.models import Review


def follow(stays: int, others: list[int], **kwargs: Any) -> list[str]:
    """Give the reviews to the product that stays; of two from one order, keep its own."""
    count = 0
    for other in others:
        theirs = Review.objects.filter(product=other)
        count += theirs.count()
        had = Review.objects.filter(product=stays).values("order")
        theirs.exclude(order__in=had).update(product=stays)
        theirs.delete()
    return [ngettext("%d review", "%d reviews", count) % count] if count else []
