"""Keep carts consistent when several products are merged into one."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.db.models.functions import Least
from django.utils.translation import ngettext

from shop.cart.models import MAX_QUANTITY, Cart, CartLine


def lock_carts(variants: list[int], **kwargs: Any) -> None:
    """Lock the carts that hold the variants, because checkout locks carts before variants."""
    holding = CartLine.objects.filter(variant__in=variants).values("cart")
    list(Cart.objects.filter(pk__in=holding).order_by("pk").select_for_update())


def on_products_merged(variants: dict[int, int], **kwargs: Any) -> list[str]:
    """Point cart lines at the surviving variants, adding up lines of one cart."""
    count = 0
    for old, new in variants.items():
        for line in CartLine.objects.filter(variant=old, cart__lines__variant=new):
            same = CartLine.objects.filter(cart=line.cart_id, variant=new)
            same.update(quantity=Least(F("quantity") + line.quantity, MAX_QUANTITY))
            count += line.delete()[0]
        count += CartLine.objects.filter(variant=old).update(variant=new)
    return [ngettext("%d item in a cart", "%d items in carts", count) % count] if count else []
