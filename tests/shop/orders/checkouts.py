"""Fill a cart and check out, as a guest does."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from shop.cart.models import Cart
from shop.catalogue.models import Variant
from shop.orders.checkout import place_order
from shop.orders.models import Order, ShippingMethod
from tests.factories import make_product

CHECKOUT = reverse("orders:checkout")
CONTACT = {
    "email": "alice@example.com",
    "name": "Alice Doe",
    "street": "1 High Street",
    "postcode": "12345",
    "city": "Springfield",
    "country": "DE",
    "phone": "",
}


def fill_cart(client: Client, quantity: int = 1, **product: Any) -> Variant:
    """Add a new product to the client's cart and return its variant."""
    variant = make_product(**product).variants.get()
    client.post(reverse("cart:add"), {"variant": variant.pk, "quantity": quantity})
    return variant


def checkout_data(method: ShippingMethod, **changes: Any) -> dict[str, Any]:
    """Return the valid data of a checkout form, with changes."""
    return CONTACT | {"method": method.pk, "payment": "invoice", "key": "k1"} | changes


def buy(cart: Cart, method: ShippingMethod, key: str = "k", **options: Any) -> Order:
    """Place an order for the cart, without the page."""
    options = {"voucher": None, "payment": "invoice", "user": None} | options
    return place_order(cart, key=key, method=method, contact=CONTACT, **options)
