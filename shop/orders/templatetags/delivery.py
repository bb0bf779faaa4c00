"""Define tags for delivery costs in templates of apps that do not import this app."""

from __future__ import annotations

from decimal import Decimal

from django import template

from shop.orders.delivery import DeliveryEstimate, estimate_delivery, shipping_methods
from shop.orders.models import ShippingMethod

register = template.Library()


@register.simple_tag(name="shipping_methods")
def list_shipping_methods() -> list[ShippingMethod]:
    """Return the active shipping methods."""
    return shipping_methods()


@register.simple_tag
def delivery_estimate(subtotal: Decimal) -> DeliveryEstimate | None:
    """Return the delivery costs of a cart, or None if no shipping method is active."""
    return estimate_delivery(subtotal)
