"""Export a customer's cart."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from shop.cart.models import CartLine


def export(user: User, **kwargs: Any) -> dict[str, Any]:
    """Return the lines of the user's cart."""
    lines = CartLine.objects.filter(cart__user=user).select_related("variant__product")
    return {
        "cart": [
            {"sku": line.variant.sku, "name": str(line.variant), "quantity": line.quantity}
            for line in lines.defer("variant__product__search").order_by("pk")
        ]
    }
