from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from shop.orders.delivery import estimate_delivery
from shop.orders.models import ShippingMethod
from tests.factories import make_product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def methods() -> None:
    ShippingMethod.objects.all().delete()
    ShippingMethod.objects.create(name="Pigeon", price=1, free_from=10, active=False)
    ShippingMethod.objects.create(
        name="Standard", price=Decimal("4.95"), free_from=60, description="3 to 5 days", position=1
    )
    ShippingMethod.objects.create(name="Express", price=Decimal("12.95"), position=2)


@pytest.mark.parametrize(
    ("subtotal", "price", "missing"),
    [("34.95", "4.95", "25.05"), ("59.99", "4.95", "0.01"), ("60", "0", "0"), ("99", "0", "0")],
)
def test_the_estimate_says_how_much_is_missing_for_free_delivery(
    subtotal: str, price: str, missing: str
) -> None:
    estimate = estimate_delivery(Decimal(subtotal))
    assert estimate is not None
    assert (estimate.method.name, estimate.price, estimate.missing, estimate.total) == (
        "Standard",
        Decimal(price),
        Decimal(missing),
        Decimal(subtotal) + Decimal(price),
    )


def test_there_is_no_free_delivery_without_a_limit_or_method() -> None:
    ShippingMethod.objects.update(free_from=None)
    estimate = estimate_delivery(Decimal(20))
    assert estimate is not None
    assert (estimate.price, estimate.free_from, estimate.missing) == (Decimal("4.95"), None, None)
    ShippingMethod.objects.update(active=False)
    assert estimate_delivery(Decimal(20)) is None


def test_product_and_cart_say_what_delivery_costs(client: Client) -> None:
    product = make_product(price=Decimal("34.95"))
    page = client.get(product.get_absolute_url()).content.decode()
    words = ("Standard", "free from €60.00", "3 to 5 days", "Express", "€12.95", "14 days")
    assert [word for word in words if word not in page] == []
    assert "Pigeon" not in page
    client.post("/cart/add/", {"variant": product.variants.get().pk})
    cart = client.get("/cart/").content.decode()
    words = ("€25.05 away from free delivery", "€4.95", "3 to 5 days", "€39.90")
    assert [word for word in words if word not in cart] == []


def test_a_cart_without_shipping_methods_has_only_a_subtotal(client: Client) -> None:
    ShippingMethod.objects.all().delete()
    client.post("/cart/add/", {"variant": make_product().variants.get().pk})
    cart = client.get("/cart/").content.decode()
    assert ("€20.00" in cart, "free delivery" in cart, "<dt>Delivery" in cart) == (
        True,
        False,
        False,
    )
