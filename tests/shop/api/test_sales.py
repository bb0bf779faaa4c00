from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from shop.api.idempotency import forget_answers
from shop.api.models import IdempotentAnswer
from shop.api.sales import QuantitySerializer
from shop.cart.models import CartLine
from shop.catalogue.models import Product
from shop.orders.models import Order, ShippingMethod
from tests.factories import make_customer, make_order, make_product
from tests.shop.api.conftest import client_of

pytestmark = pytest.mark.django_db
CONTACT = {
    "email": "alice@example.com",
    "name": "Alice Doe",
    "street": "1 High Street",
    "postcode": "12345",
    "city": "Springfield",
    "country": "Utopia",
}


@pytest.fixture
def order_data(db: Any) -> dict[str, Any]:
    method, _new = ShippingMethod.objects.update_or_create(
        name="Standard", defaults={"price": Decimal("4.95"), "free_from": Decimal(60)}
    )
    return CONTACT | {"shipping_method": method.pk, "payment": "invoice"}


def _add(client: APIClient, quantity: int = 1, **product: Any) -> Any:
    variant = make_product(**product).variants.get()
    values = {"variant": variant.pk, "quantity": quantity}
    return client.post("/api/v1/cart/lines/", values, format="json")


def test_a_customer_buys(customer: APIClient, order_data: dict[str, Any]) -> None:
    answer = _add(customer, 2, price=Decimal("20.00"), stock=5)
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


def test_lines_are_changed_and_taken_out(customer: APIClient) -> None:
    line = _add(customer, stock=5).json()["lines"][0]["id"]
    url = f"/api/v1/cart/lines/{line}/"
    changed = customer.patch(url, {"quantity": 3}, format="json").json()
    assert changed["lines"][0]["quantity"] == 3
    refused = customer.patch(url, {"quantity": 6}, format="json")
    assert (refused.status_code, CartLine.objects.get().quantity) == (409, 3)
    assert customer.patch(url, {"quantity": 0}, format="json").status_code == 400
    assert customer.delete(url).status_code == 204
    assert not CartLine.objects.exists()


def test_a_line_that_is_taken_out_meanwhile_is_gone(
    customer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/api/v1/cart/lines/{_add(customer).json()['lines'][0]['id']}/"
    is_valid = QuantitySerializer.is_valid

    def late(wanted: QuantitySerializer, **options: bool) -> bool:
        CartLine.objects.all().delete()
        return is_valid(wanted, **options)

    monkeypatch.setattr(QuantitySerializer, "is_valid", late)
    answers = [customer.patch(url, {"quantity": 2}, format="json") for _time in range(2)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert not CartLine.objects.exists()


def test_a_cart_that_no_order_can_hold_is_shown_and_its_order_refused(
    customer: APIClient, order_data: dict[str, Any]
) -> None:
    for name in ("One", "Other"):
        answer = _add(customer, 99, name=name, price=Decimal("99999999.99"), stock=99)
    assert (answer.status_code, answer.json()["total"]) == (201, "19799999998.02")
    refused = customer.post("/api/v1/orders/", order_data, format="json")
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("This order is too large for this page.")
    assert (Order.objects.count(), CartLine.objects.count()) == (0, 2)


def test_nobody_reaches_what_is_anothers(customer: APIClient) -> None:
    bob = client_of(make_customer("bob@example.com"))
    line = _add(bob).json()["lines"][0]["id"]
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
def test_a_wrong_order_names_the_field(
    customer: APIClient, order_data: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    _add(customer, stock=5)
    answer = customer.post("/api/v1/orders/", order_data | changes, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert (Order.objects.count(), Product.objects.get().stock) == (0, 5)


def test_what_the_shop_refuses_is_a_conflict(
    customer: APIClient, order_data: dict[str, Any]
) -> None:
    empty = customer.post("/api/v1/orders/", order_data, format="json")
    assert (empty.status_code, empty.json()["detail"]) == (409, "Your cart is empty.")
    gone = _add(customer, stock=0)
    assert gone.status_code == 409
    assert "sold out" in gone.json()["detail"]


def test_a_call_with_the_same_key_happens_once(
    customer: APIClient, order_data: dict[str, Any]
) -> None:
    _add(customer, stock=5)
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


def test_a_refused_call_can_be_mended_under_its_key(
    customer: APIClient, order_data: dict[str, Any]
) -> None:
    _add(customer, stock=5)
    key = {"Idempotency-Key": "k1"}
    wrong = order_data | {"city": ""}
    assert customer.post("/api/v1/orders/", wrong, format="json", headers=key).status_code == 400
    right = customer.post("/api/v1/orders/", order_data, format="json", headers=key)
    assert right.status_code == 201


@pytest.mark.django_db(transaction=True)
def test_copies_at_the_same_moment_happen_once(order_data: dict[str, Any]) -> None:
    user = make_customer("alice@example.com")
    token = Token.objects.create(user=user).key
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


def test_answers_are_forgotten_after_a_day(customer: APIClient) -> None:
    from datetime import timedelta

    from django.utils import timezone

    customer.post("/api/v1/cart/lines/", {"variant": make_product().variants.get().pk},
                  format="json", headers={"Idempotency-Key": "k"})  # fmt: skip
    assert forget_answers() == 0
    IdempotentAnswer.objects.update(created=timezone.now() - timedelta(hours=25))
    assert forget_answers() == 1


def test_a_token_is_given_for_a_password_and_taken_back(alice: User, api: APIClient) -> None:
    credentials = {"login": "alice@example.com", "password": "correct-horse-7"}
    token = api.post("/api/v1/tokens/", credentials, format="json").json()["token"]
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert api.get("/api/v1/cart/").status_code == 200
    assert api.delete("/api/v1/tokens/").status_code == 204
    assert api.get("/api/v1/cart/").status_code == 401


def test_a_wrong_password_gives_no_token(alice: User, api: APIClient) -> None:
    wrong = {"login": "alice@example.com", "password": "x"}
    assert api.post("/api/v1/tokens/", wrong, format="json").status_code == 403
    assert not Token.objects.exists()


def test_who_has_not_confirmed_gets_no_token(api: APIClient) -> None:
    User.objects.create_user("dave", "dave@example.com", "correct-horse-7")
    values = {"login": "dave", "password": "correct-horse-7"}
    assert api.post("/api/v1/tokens/", values, format="json").status_code == 403


def test_a_session_needs_a_csrf_token(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get("/api/v1/cart/").status_code == 200
    values = {"variant": make_product().variants.get().pk}
    assert client.post("/api/v1/cart/lines/", values, format="json").status_code == 403
    assert not CartLine.objects.exists()


def test_the_queries_of_orders_do_not_grow(
    customer: APIClient, alice: User, django_assert_num_queries: Any
) -> None:
    for _number in range(10):
        make_order(user=alice)
    with django_assert_num_queries(4):
        customer.get("/api/v1/orders/")
