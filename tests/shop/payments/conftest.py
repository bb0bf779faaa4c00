from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from shop.orders.models import Order, ShippingMethod
from shop.orders.payment import METHODS
from shop.payments.card import Card
from tests.shop.orders.checkouts import checkout_data, fill_cart
from tests.shop.payments.events import SECRET
from tests.shop.payments.stub import KEY, Stripe


@pytest.fixture(scope="session")
def server() -> Iterator[Stripe]:
    stub = Stripe()
    yield stub
    stub.stop()


@pytest.fixture
def stripe(server: Stripe, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Stripe:
    server.empty()
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = KEY, SECRET
    settings.STRIPE_API_BASE = server.address
    monkeypatch.setitem(METHODS, "card", Card())
    return server


@pytest.fixture
def order(stripe: Stripe, client: Client, method: ShippingMethod) -> Order:
    """An order of a guest who was redirected to Stripe's page and has not paid yet."""
    fill_cart(client, stock=5, price=Decimal("20.00"))
    response = client.post("/checkout/", checkout_data(method, payment="card"))
    assert response["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    return Order.objects.get()
