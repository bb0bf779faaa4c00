"""What was ordered when several products become one: an order says what was bought, as ever."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from shop.orders.models import Order, OrderLine
from shop.orders.states import NOT_SENT


def lock(variants: list[int], **kwargs: Any) -> None:
    """Those that may still give their stock back: that locks the order before the variants."""
    lines = OrderLine.objects.filter(variant__in=variants).values("order")
    orders = Order.objects.filter(pk__in=lines, state__in=NOT_SENT)
    list(orders.order_by("pk").select_for_update())


def follow(variants: dict[int, int], **kwargs: Any) -> list[str]:
    """Only where stock goes back to, and whose sales they count as."""
    count = 0
    for old, new in variants.items():
        count += OrderLine.objects.filter(variant=old).update(variant=new)
    text = ngettext("%d line of an order", "%d lines of orders", count)
    return [text % count] if count else []
