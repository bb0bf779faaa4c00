"""Limits of orders and of guesses at voucher codes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from shop.catalogue.models import Variant
from shop.orders.models import Order, ShippingMethod, Voucher
from tests.factories import make_customer
from tests.shop.orders.checkouts import CHECKOUT, checkout_data, fill_cart
from tests.shop.payments.order_state import at_once

pytestmark = pytest.mark.django_db


def _order(method: ShippingMethod, address: str, client: Client | None = None, **data: Any) -> Any:
    """Order one of the only product, as a new guest unless ``client`` is given."""
    client = client or Client()
    client.post("/cart/add/", {"variant": Variant.objects.get().pk})
    return client.post(CHECKOUT, checkout_data(method, **data), REMOTE_ADDR=address)


def test_failed_orders_are_not_counted(
    client: Client, method: ShippingMethod, settings: Any
) -> None:
    settings.UNPAID_ORDERS_PER_HOUR = 1
    fill_cart(client)
    for _time in range(3):
        assert client.post(CHECKOUT, checkout_data(method, total="1.00")).status_code == 422
    assert client.post(CHECKOUT, checkout_data(method)).status_code == 302


def test_a_stranger_cannot_stop_a_customer_from_ordering(
    client: Client, method: ShippingMethod, settings: Any
) -> None:
    settings.UNPAID_ORDERS_PER_HOUR = 1
    fill_cart(client, stock=9)
    assert _order(method, "192.0.2.1").status_code == 302
    assert _order(method, "192.0.2.2").status_code == 429
    client.force_login(make_customer("alice@example.com"))
    assert _order(method, "192.0.2.3", client).status_code == 302
    assert _order(method, "192.0.2.4", client, email="b@example.com", key="k2").status_code == 429


def test_a_buyer_over_the_limit_keeps_the_checkout(
    client: Client, method: ShippingMethod, settings: Any
) -> None:
    settings.UNPAID_ORDERS_PER_HOUR = 1
    fill_cart(client, stock=9)
    _order(method, "192.0.2.1", client)
    response = _order(method, "192.0.2.1", client, key="k2", city="Shelbyville")
    assert (response.status_code, len(response.context["lines"])) == (429, 1)
    assert response.context["form"]["city"].value() == "Shelbyville"
    assert "Too many orders in a short time. Please try again in" in response.content.decode()
    assert 0 < int(response["Retry-After"]) <= 3600


@pytest.mark.django_db(transaction=True)
def test_simultaneous_orders_do_not_exceed_the_limit(
    client: Client, method: ShippingMethod, settings: Any
) -> None:
    settings.UNPAID_ORDERS_PER_HOUR = 2
    fill_cart(client, stock=9)
    answers = at_once(*(partial(_order, method, f"192.0.2.{number}") for number in range(6)))
    assert sorted(answer.status_code for answer in answers) == [302, 302, 429, 429, 429, 429]
    assert (Order.objects.count(), Variant.objects.get().stock) == (2, 7)


@pytest.mark.parametrize("same", ["REMOTE_ADDR", "email"])
def test_orders_per_address_and_email_are_limited(
    client: Client, method: ShippingMethod, settings: Any, same: str
) -> None:
    settings.UNPAID_ORDERS_PER_HOUR = 2
    fill_cart(client, stock=9)
    variant, statuses = Variant.objects.get(), []
    for number in range(3):
        buyer = Client(REMOTE_ADDR="192.0.2.1" if same == "REMOTE_ADDR" else f"192.0.2.{number}")
        email = f"{number}@example.com" if same != "email" else ("A@x.org", "a@X.org")[number % 2]
        buyer.post("/cart/add/", {"variant": variant.pk})
        statuses.append(buyer.post(CHECKOUT, checkout_data(method, email=email)).status_code)
    assert statuses == [302, 302, 429]
    assert (Order.objects.count(), Variant.objects.get().stock, len(mail.outbox)) == (2, 7, 2)


@pytest.mark.parametrize("same", ["REMOTE_ADDR", "session"])
def test_voucher_codes_cannot_be_guessed(
    client: Client, method: ShippingMethod, settings: Any, same: str
) -> None:
    settings.VOUCHER_CODES_PER_HOUR = 2
    Voucher.objects.create(code="RIGHT", kind="amount", value=1)
    fill_cart(client, stock=9)
    variant, pages = Variant.objects.get(), []
    for number, code in enumerate(["A", "B", "right"]):
        if same == "REMOTE_ADDR":
            client = Client()
            client.post("/cart/add/", {"variant": variant.pk})
        address = "192.0.2.1" if same == "REMOTE_ADDR" else f"192.0.2.{number}"
        sent = checkout_data(method, code=code)
        pages.append(client.post("/checkout/voucher/", sent, REMOTE_ADDR=address))
    assert [page.status_code for page in pages] == [422, 422, 422]
    assert "This code isn’t valid." in pages[1].content.decode()
    assert "Too many attempts." in pages[2].content.decode()
    assert pages[2].context["voucher"] is None


def test_an_accepted_code_is_not_counted_again(
    client: Client, method: ShippingMethod, settings: Any
) -> None:
    settings.VOUCHER_CODES_PER_HOUR = 1
    Voucher.objects.create(code="RIGHT", kind="amount", value=1)
    fill_cart(client)
    for _time in range(3):
        page = client.post("/checkout/voucher/", checkout_data(method, code="RIGHT"))
        assert page.context["voucher"].code == "RIGHT"
    client.post(CHECKOUT, checkout_data(method, code="RIGHT"))
    assert Order.objects.get().voucher_code == "RIGHT"
