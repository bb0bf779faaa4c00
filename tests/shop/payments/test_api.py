from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from shop.catalogue.models import Variant
from shop.orders.models import Order, ShippingMethod, Voucher
from tests.factories import make_customer, make_product
from tests.shop.api.conftest import client_of
from tests.shop.orders.checkouts import CONTACT
from tests.shop.payments.stub import Stripe

KEY = {"Idempotency-Key": "k1"}


@pytest.fixture
def values(method: ShippingMethod) -> dict[str, Any]:
    Voucher.objects.create(code="TEN", kind="percentage", value=10, limit=9)
    return CONTACT | {"shipping_method": method.pk, "payment": "card", "voucher": "TEN"}


@pytest.fixture
def customer(values: dict[str, Any]) -> APIClient:
    """A customer with an item in the cart."""
    client = client_of(make_customer("alice@example.com"))
    variant = make_product(stock=5).variants.get()
    client.post("/api/v1/cart/lines/", {"variant": variant.pk}, format="json")
    return client


def _order(client: APIClient, values: dict[str, Any]) -> Any:
    return client.post("/api/v1/orders/", values, format="json", headers=KEY)


@pytest.mark.django_db(transaction=True)
def test_no_lock_is_held_while_stripe_is_called(
    customer: APIClient, values: dict[str, Any], stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    answer = stripe.answer

    def look(*call: Any) -> Any:
        """Lock the rows in the stub's thread, so on another connection."""
        try:
            with transaction.atomic():
                stock = Variant.objects.select_for_update(nowait=True).get().stock
                seen.append((stock, Voucher.objects.select_for_update(nowait=True).get().used))
        finally:
            connection.close()
        return answer(*call)

    monkeypatch.setattr(stripe, "answer", look)
    assert _order(customer, values).status_code == 201
    assert seen == [(4, 1)]


@pytest.mark.django_db
def test_a_repeated_request_returns_the_payment_url_again(
    customer: APIClient, values: dict[str, Any], stripe: Stripe
) -> None:
    first, second = _order(customer, values).json(), _order(customer, values).json()
    assert first["payment_url"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    assert second == first
    assert list(stripe.sessions) == ["cs_test_1"]


@pytest.mark.django_db
def test_repeating_a_request_recovers_from_a_stripe_failure(
    customer: APIClient, values: dict[str, Any], stripe: Stripe
) -> None:
    stripe.fails = 500
    assert _order(customer, values).json()["payment_url"] is None
    stripe.fails = 0
    again = _order(customer, values).json()
    assert again["payment_url"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    assert Order.objects.get().pk == again["id"]


@pytest.mark.django_db
def test_repeating_the_request_does_not_pay_a_cancelled_order(
    customer: APIClient, values: dict[str, Any], stripe: Stripe
) -> None:
    _order(customer, values)
    Order.objects.update(state="cancelled")
    again = _order(customer, values)
    assert (again.status_code, again.json()["payment_url"]) == (201, None)
