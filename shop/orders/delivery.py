"""Estimate the delivery costs before checkout."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shop.orders.models import ShippingMethod


@dataclass(frozen=True)
class DeliveryEstimate:
    """Holds the price of the shipping method that is selected by default at checkout.

    ``free_from`` is the smallest subtotal with free delivery, and ``missing`` the amount by which
    the cart is below it; both are None if no method is ever free.
    """

    method: ShippingMethod
    subtotal: Decimal
    price: Decimal
    free_from: Decimal | None
    missing: Decimal | None

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.price


def shipping_methods() -> list[ShippingMethod]:
    """Return the methods a customer can choose from, in the order of the checkout."""
    return list(ShippingMethod.objects.filter(active=True))


def estimate_delivery(subtotal: Decimal) -> DeliveryEstimate | None:
    """Return the delivery costs of a cart, or None if no shipping method is active."""
    methods = shipping_methods()
    if not methods:
        return None
    limits = [method.free_from for method in methods if method.free_from is not None]
    free_from = min(limits, default=None)
    missing = None if free_from is None else max(free_from - subtotal, Decimal(0))
    price = methods[0].price_for(subtotal)
    return DeliveryEstimate(methods[0], subtotal, price, free_from, missing)
