"""Orders of guests who pay later wait for a confirmation."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from shop.catalogue.models import Variant
from shop.core.validators import refuse_links
from shop.orders.confirmation import cancel_unconfirmed
from shop.orders.models import Order, ShippingMethod
from shop.orders.states import TransitionError, transition
from tests.factories import make_customer, make_order
from tests.shop.orders.checkouts import CHECKOUT, checkout_data, fill_cart

pytestmark = pytest.mark.django_db


def _link(number: int = 0) -> str:
    found = re.search(r"https?://[^/\s]+(/orders/\S+)", str(mail.outbox[number].body))
    assert found
    return found[1]


def _late() -> None:
    Order.objects.filter(confirm_by__isnull=False).update(confirm_by=timezone.now())


def _confirm(client: Client, link: str) -> Any:
    path, signature = link.split("?confirm=")
    return client.post(f"{path}confirm/", {"confirm": signature})


def test_a_guests_order_is_confirmed_by_the_link_in_the_email(
    client: Client, method: ShippingMethod
) -> None:
    fill_cart(client, 2, stock=5)
    page = client.post(CHECKOUT, checkout_data(method), follow=True).content.decode()
    assert "Please confirm your order within an hour using the link in it" in page
    assert "Confirm order" not in page
    assert mail.outbox[0].subject == f"Please confirm your order {Order.objects.get().number}"
    link = _link()
    assert "Confirm order" in client.get(link).content.decode()
    assert Order.objects.get().confirm_by is not None  # a mail scanner has opened the link
    assert _confirm(client, link)["Location"] == Order.objects.get().get_absolute_url()
    assert Order.objects.get().confirm_by is None
    assert cancel_unconfirmed() == 0
    transition(Order.objects.get(), "packed")
    assert (Variant.objects.get().stock, len(mail.outbox)) == (3, 1)


def test_an_unconfirmed_order_is_cancelled_and_its_stock_restored(
    client: Client, method: ShippingMethod
) -> None:
    fill_cart(client, 2, stock=5)
    client.post(CHECKOUT, checkout_data(method))
    assert (cancel_unconfirmed(), Variant.objects.get().stock) == (0, 3)
    _late()
    assert (cancel_unconfirmed(), cancel_unconfirmed()) == (1, 0)
    assert (Order.objects.get().state, Variant.objects.get().stock) == ("cancelled", 5)
    assert _confirm(client, _link()).status_code == 302
    assert (Order.objects.get().state, Variant.objects.get().stock) == ("cancelled", 5)


def test_a_wrong_signature_confirms_nothing(client: Client, method: ShippingMethod) -> None:
    fill_cart(client)
    client.post(CHECKOUT, checkout_data(method))
    order, other = Order.objects.get(), make_order()
    foreign = other.confirmation_path().split("=")[1]
    for signature in ("", "x", order.token, foreign, "é"):
        sent = client.post(f"{order.get_absolute_url()}confirm/", {"confirm": signature})
        assert sent.status_code == 404
        page = client.get(order.get_absolute_url(), {"confirm": signature})
        assert "Confirm order" not in page.content.decode()
    assert Order.objects.get(pk=order.pk).confirm_by is not None


def test_an_unconfirmed_order_is_not_packed(client: Client, method: ShippingMethod) -> None:
    fill_cart(client)
    client.post(CHECKOUT, checkout_data(method))
    for state in ("paid", "packed"):
        with pytest.raises(TransitionError, match="has not confirmed"):
            transition(Order.objects.get(), state)
    assert Order.objects.get().state == "placed"


def test_a_signed_in_customer_need_not_confirm(client: Client, method: ShippingMethod) -> None:
    client.force_login(make_customer("alice@example.com"))
    fill_cart(client)
    client.post(CHECKOUT, checkout_data(method))
    assert Order.objects.get().confirm_by is None
    assert "?confirm=" not in mail.outbox[0].body


@pytest.mark.parametrize(
    "name",
    [
        *("Win at http://evil.example", "HTTPS:evil", "www.evil.de", "evil.example", "t.co/x"),
        *("//evil", "Prize: EVIL.COM now", "bücher.example"),
    ],
)
def test_a_name_with_a_link_is_refused(client: Client, method: ShippingMethod, name: str) -> None:
    fill_cart(client)
    page = client.post(CHECKOUT, checkout_data(method, name=name))
    assert page.status_code == 422
    assert "Enter a name without a web address." in page.content.decode()
    assert (Order.objects.count(), len(mail.outbox)) == (0, 0)


@pytest.mark.parametrize(
    "name", ["Dr. Meier", "Dr.Meier", "J.R.R. Tolkien", "A. Doe c/o B. Roe", "O'Neil-Ng", "Ng Jr."]
)
def test_a_name_with_dots_and_slashes_is_accepted(name: str) -> None:
    try:
        refuse_links(name)
    except ValidationError:
        pytest.fail(name)
