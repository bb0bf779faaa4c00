"""Keep order lines consistent when several products are merged into one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import ngettext

from shop.orders.models import Order, OrderLine


def lock_orders(variants: list[int], **kwargs: Any) -> None:
    """Lock the orders of the variants, unless cancelled or refunded.

    A cancellation locks the order before its variants, too.
    """
    lines = OrderLine.objects.filter(variant__in=variants).values("order")
    orders = Order.objects.filter(pk__in=lines).exclude(state__in=Order.VOID)
    list(orders.order_by("pk").select_for_update())


def on_products_merged(variants: dict[int, int], **kwargs: Any) -> list[str]:
    """Point order lines at the surviving variants.

    These variants then receive returned stock, and the orders count as their sales.
    """
    count = 0
    for old, new in variants.items():
        count += OrderLine.objects.filter(variant=old).update(variant=new)
    text = ngettext("%d order item", "%d order items", count)
    return [text % count] if count else []
