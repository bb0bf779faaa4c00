from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from shop.accounts.models import ApiToken
from shop.api.idempotency import delete_expired
from shop.api.models import IdempotencyRecord
from shop.cart.models import CartLine
from shop.catalogue.models import Product
from shop.orders.models import Order
from tests.factories import make_customer, make_product
from tests.shop.api.conftest import add_to_cart, client_of

pytestmark = pytest.mark.django_db


def test_a_request_with_the_same_key_is_executed_once(
    customer: APIClient, order_data: dict[str, Any]
) -> None:
    add_to_cart(customer, stock=5)
    key = {"Idempotency-Key": "k1"}
    answers = [
        customer.post("/api/v1/orders/", order_data, format="json", headers=key) for _n in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert (Order.objects.count(), Product.objects.get().stock) == (1, 4)
    other = customer.post("/api/v1/orders/", order_data | {"city": "X"}, format="json", headers=key)
    assert other.status_code == 422
    bob = client_of(make_customer("bob@example.com"))
    assert bob.post("/api/v1/orders/", order_data, format="json", headers=key).status_code == 409


def test_a_refused_request_can_be_corrected_under_its_key(
    customer: APIClient, order_data: dict[str, Any]
) -> None:
    add_to_cart(customer, stock=5)
    key = {"Idempotency-Key": "k1"}
    wrong = order_data | {"city": ""}
    assert customer.post("/api/v1/orders/", wrong, format="json", headers=key).status_code == 400
    right = customer.post("/api/v1/orders/", order_data, format="json", headers=key)
    assert right.status_code == 201


@pytest.mark.django_db(transaction=True)
def test_simultaneous_duplicates_are_executed_once(order_data: dict[str, Any]) -> None:
    user = make_customer("alice@example.com")
    token = ApiToken.issue(user)[1]
    variant = make_product(stock=50).variants.get()

    def call(_number: int) -> Any:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        values = {"variant": variant.pk, "quantity": 2}
        try:
            answer = client.post(
                "/api/v1/cart/lines/", values, format="json", headers={"Idempotency-Key": "k"}
            )
            return answer.status_code, answer.json()["total"]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(8))) == [(201, "40.00")] * 8
    assert CartLine.objects.get().quantity == 2


def test_an_idempotency_record_is_deleted_after_a_day(customer: APIClient) -> None:
    values = {"variant": make_product().variants.get().pk}
    key = {"Idempotency-Key": "k"}
    customer.post("/api/v1/cart/lines/", values, format="json", headers=key)
    assert delete_expired() == 0
    IdempotencyRecord.objects.update(created=timezone.now() - timedelta(hours=25))
    assert delete_expired() == 1
    assert not IdempotencyRecord.objects.exists()
