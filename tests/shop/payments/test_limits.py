"""Limits of card orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from shop.catalogue.models import Variant
from shop.orders.models import Order, ShippingMethod, Voucher
from tests.factories import make_product
from tests.shop.orders.checkouts import CHECKOUT, checkout_data
from tests.shop.payments.events import send, succeeded
from tests.shop.payments.stub import Stripe


@pytest.fixture
def variant(settings: Any, stripe: Stripe, method: ShippingMethod) -> Variant:
    settings.UNPAID_ORDERS_PER_HOUR = 1
    return make_product(stock=9, price=Decimal("20.00")).variants.get()


def _order(variant: Variant, address: str, email: str, **data: Any) -> int:
    """Order with a card as a new guest, and return the status of the response."""
    client, method = Client(REMOTE_ADDR=address), ShippingMethod.objects.get(name="Standard")
    client.post("/cart/add/", {"variant": variant.pk})
    data = checkout_data(method, payment="card", email=email, **data)
    return client.post(CHECKOUT, data).status_code


@pytest.mark.django_db
@pytest.mark.parametrize("second", [("192.0.2.1", "b@example.com"), ("192.0.2.2", "A@example.com")])
def test_unpaid_card_orders_are_limited(variant: Variant, second: tuple[str, str]) -> None:
    assert _order(variant, "192.0.2.1", "a@example.com") == 302
    assert _order(variant, *second) == 429
    assert _order(variant, "192.0.2.3", "c@example.com") == 302
    assert Order.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_paid_card_order_is_not_counted(client: Client, variant: Variant) -> None:
    for number in range(3):
        assert _order(variant, "192.0.2.1", "a@example.com") == 302
        assert _order(variant, "192.0.2.1", "a@example.com") == 429
        order = Order.objects.latest("pk")
        send(client, succeeded(order, f"evt_{number}", id=f"pi_{number}"))
    assert set(Order.objects.values_list("state", flat=True)) == {"paid"}


@pytest.mark.django_db(transaction=True)
def test_orders_that_cost_nothing_are_limited(variant: Variant) -> None:
    ShippingMethod.objects.update(price=0)
    Voucher.objects.create(code="FREE", kind="percentage", value=100)
    assert _order(variant, "192.0.2.1", "a@example.com", code="FREE") == 302
    assert Order.objects.get().state == "paid"
    assert _order(variant, "192.0.2.1", "a@example.com", code="FREE") == 429
