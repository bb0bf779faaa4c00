from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from shop.cart.models import CartLine
from shop.catalogue.models import Product
from shop.orders.models import Order
from tests.factories import make_customer, make_order
from tests.shop.api.conftest import add_to_cart, client_of

pytestmark = pytest.mark.django_db


def test_a_customer_places_an_order(customer: APIClient, order_data: dict[str, Any]) -> None:
    answer = add_to_cart(customer, 2, price=Decimal("20.00"), stock=5)
    assert (answer.status_code, answer.json()["total"]) == (201, "40.00")
    assert customer.get("/api/v1/cart/").json()["lines"][0]["quantity"] == 2
    answer = customer.post("/api/v1/orders/", order_data, format="json")
    assert answer.status_code == 201, answer.json()
    order = answer.json()
    assert (order["total"], order["state"]) == ("44.95", "placed")
    assert customer.get(f"/api/v1/orders/{order['id']}/").json()["number"] == order["number"]
    assert [row["id"] for row in customer.get("/api/v1/orders/").json()["results"]] == [order["id"]]
    assert customer.get("/api/v1/cart/").json() == {"lines": [], "total": "0.00"}
    assert Product.objects.get().stock == 3


def test_a_cart_too_large_for_an_order_is_shown_but_refused(
    customer: APIClient, order_data: dict[str, Any]
) -> None:
    for name in ("One", "Other"):
        answer = add_to_cart(customer, 99, name=name, price=Decimal("99999999.99"), stock=99)
    assert (answer.status_code, answer.json()["total"]) == (201, "19799999998.02")
    refused = customer.post("/api/v1/orders/", order_data, format="json")
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("This order is too large")
    assert (Order.objects.count(), CartLine.objects.count()) == (0, 2)


def test_carts_and_orders_of_others_are_not_found(customer: APIClient) -> None:
    bob = client_of(make_customer("bob@example.com"))
    line = add_to_cart(bob).json()["lines"][0]["id"]
    order = make_order(user=User.objects.get(email="bob@example.com"))
    url = f"/api/v1/cart/lines/{line}/"
    assert customer.patch(url, {"quantity": 2}, format="json").status_code == 404
    assert customer.delete(url).status_code == 404
    assert customer.get(f"/api/v1/orders/{order.pk}/").status_code == 404
    assert customer.get("/api/v1/orders/").json()["results"] == []
    assert CartLine.objects.get().quantity == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"city": ""}, "city"),
        ({"payment": "shells"}, "payment"),
        ({"shipping_method": 0}, "shipping_method"),
        ({"voucher": "NONE"}, "voucher"),
        ({"name": "A\x00B"}, "name"),
    ],
)
def test_an_invalid_order_names_the_field(
    customer: APIClient, order_data: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    add_to_cart(customer, stock=5)
    answer = customer.post("/api/v1/orders/", order_data | changes, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert (Order.objects.count(), Product.objects.get().stock) == (0, 5)


def test_a_refusal_of_the_shop_is_a_conflict(
    customer: APIClient, order_data: dict[str, Any]
) -> None:
    empty = customer.post("/api/v1/orders/", order_data, format="json")
    assert (empty.status_code, empty.json()["detail"]) == (409, "Your cart is empty.")
    gone = add_to_cart(customer, stock=0)
    assert gone.status_code == 409
    assert "sold out" in gone.json()["detail"]


def test_orders_take_a_constant_number_of_queries(
    customer: APIClient, alice: User, django_assert_num_queries: Any
) -> None:
    for _number in range(10):
        make_order(user=alice)
    with django_assert_num_queries(4):
        customer.get("/api/v1/orders/")


def test_too_many_orders_are_refused(
    customer: APIClient, order_data: dict[str, Any], settings: Any
) -> None:
    settings.UNPAID_ORDERS_PER_HOUR = 1
    add_to_cart(customer)
    assert customer.post("/api/v1/orders/", order_data, format="json").status_code == 201
    add_to_cart(customer)
    answer = customer.post("/api/v1/orders/", order_data, format="json")
    assert (answer.status_code, Order.objects.count()) == (429, 1)
    assert 0 < int(answer["Retry-After"]) <= 3600
