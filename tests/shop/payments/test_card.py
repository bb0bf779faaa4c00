from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from shop.cart.models import Cart
from shop.catalogue.models import Product
from shop.orders.models import Order, ShippingMethod, Voucher
from shop.orders.payment import METHODS
from shop.orders.states import TransitionError, transition
from shop.payments.card import minor_units
from shop.payments.models import Payment
from tests.shop.orders.checkouts import checkout_data, fill_cart
from tests.shop.payments.events import TOTAL, event, failed, send, succeeded
from tests.shop.payments.order_state import at_once, state
from tests.shop.payments.stub import Stripe

pytestmark = pytest.mark.django_db


def test_a_card_order_is_paid_by_webhook(client: Client, stripe: Stripe, order: Order) -> None:
    session = stripe.sessions["cs_test_1"]
    assert (session["amount_total"], session["currency"]) == (TOTAL, "eur")
    assert "Pay now" in client.get(order.get_absolute_url()).content.decode()
    back = client.get(f"{order.get_absolute_url()}?back=1").content.decode()
    assert "waiting for your payment to be confirmed" in back
    assert state(order) == ("placed", "pending")
    assert send(client, event("checkout.session.completed", stripe.pay("cs_test_1"))) == 200
    assert state(order) == ("paid", "paid")
    assert order.paid_at is not None
    assert "Pay now" not in client.get(order.get_absolute_url()).content.decode()


def test_the_confirmation_is_sent_when_the_order_is_paid(
    client: Client, stripe: Stripe, order: Order
) -> None:
    assert mail.outbox == []
    send(client, failed(order))
    assert mail.outbox == []
    send(client, event("checkout.session.completed", stripe.pay("cs_test_1")))
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([order.email], f"Your order {order.number}")
    assert "Thank you for your order. We’ll email you when it ships." in letter.body
    page = client.get(order.get_absolute_url()).content.decode()
    assert f"We’ve sent a confirmation to {order.email}." in page


def test_a_failed_payment_is_shown_and_can_be_repeated(
    client: Client, stripe: Stripe, order: Order
) -> None:
    send(client, failed(order))
    assert state(order) == ("placed", "failed")
    assert "Your card was declined." in client.get(order.get_absolute_url()).content.decode()
    again = client.post(f"{order.get_absolute_url()}pay/")
    assert again["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    send(client, succeeded(order))
    assert state(order) == ("paid", "paid")


def test_when_stripe_is_down_the_order_is_kept_and_paid_later(
    client: Client, stripe: Stripe, method: ShippingMethod
) -> None:
    stripe.fails = 500
    fill_cart(client, stock=5, price=Decimal("20.00"))
    page = client.post("/checkout/", checkout_data(method, payment="card"), follow=True)
    assert "We couldn’t start the payment." in page.content.decode()
    order = Order.objects.get()
    assert (order.state, Product.objects.get().stock) == ("placed", 4)
    stripe.fails = 0
    paid = client.post(f"{order.get_absolute_url()}pay/")
    assert paid["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"


def test_an_unpaid_card_order_is_not_packed(order: Order) -> None:
    with pytest.raises(TransitionError, match="not been paid yet"):
        transition(order, "packed")
    assert state(order) == ("placed", "pending")


def test_an_invoice_order_has_no_payment_page(client: Client, method: ShippingMethod) -> None:
    fill_cart(client)
    client.post("/checkout/", checkout_data(method))
    order = Order.objects.get()
    assert "Pay now" not in client.get(order.get_absolute_url()).content.decode()
    assert client.post(f"{order.get_absolute_url()}pay/")["Location"] == order.get_absolute_url()


def test_cards_are_offered_only_with_stripe(client: Client, method: ShippingMethod) -> None:
    fill_cart(client)
    assert "Apple Pay" not in client.get("/checkout/").content.decode()
    assert client.post("/checkout/", checkout_data(method, payment="card")).status_code == 422
    assert not Order.objects.exists()


def test_the_return_page_does_not_mark_an_order_as_paid(
    client: Client, stripe: Stripe, order: Order
) -> None:
    stripe.pay("cs_test_1")
    for _time in range(2):
        page = client.get(f"{order.get_absolute_url()}?back=1").content.decode()
        assert "waiting for your payment to be confirmed" in page
    assert state(order) == ("placed", "pending")


def test_stripes_page_names_the_order(stripe: Stripe, order: Order) -> None:
    session = stripe.sessions["cs_test_1"]
    page = f"http://localhost:8000{order.get_absolute_url()}"
    assert (session["success_url"], session["cancel_url"]) == (f"{page}?back=1", page)
    assert session["customer_email"] == "alice@example.com"
    assert (session["client_reference_id"], session["metadata"]) == (
        order.token,
        {"order": order.token},
    )


def test_an_order_has_one_open_payment_page(client: Client, stripe: Stripe, order: Order) -> None:
    for _time in range(3):
        again = client.post(f"{order.get_absolute_url()}pay/")
        assert again["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    stripe.sessions["cs_test_1"]["status"] = "expired"
    Payment.objects.update(session_expires=timezone.now())
    again = client.post(f"{order.get_absolute_url()}pay/")
    assert again["Location"] == "https://checkout.stripe.com/c/pay/cs_test_2"


@pytest.mark.django_db(transaction=True)
def test_simultaneous_clicks_get_one_payment_page(stripe: Stripe, order: Order) -> None:
    Payment.objects.update(session_expires=timezone.now())
    pay = f"{order.get_absolute_url()}pay/"
    answers = at_once(*(partial(Client().post, pay) for _click in range(6)))
    assert {answer["Location"] for answer in answers} == {
        "https://checkout.stripe.com/c/pay/cs_test_2"
    }
    assert list(stripe.sessions) == ["cs_test_1", "cs_test_2"]


def test_a_lost_response_of_stripe_is_retried(
    client: Client, stripe: Stripe, method: ShippingMethod
) -> None:
    stripe.loses = 1
    fill_cart(client)
    response = client.post("/checkout/", checkout_data(method, payment="card"))
    assert response["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    assert list(stripe.sessions) == ["cs_test_1"]


def test_the_order_is_kept_when_stripe_is_unreachable(
    client: Client, stripe: Stripe, settings: Any, method: ShippingMethod
) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    fill_cart(client, stock=5)
    page = client.post("/checkout/", checkout_data(method, payment="card"), follow=True)
    assert "Your order is saved; try again in a minute." in page.content.decode()
    order = Order.objects.get()
    assert (order.state, Product.objects.get().stock) == ("placed", 4)
    assert not Payment.objects.exists()


def test_a_wrong_key_is_logged(
    client: Client,
    stripe: Stripe,
    settings: Any,
    method: ShippingMethod,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    fill_cart(client)
    page = client.post(
        "/checkout/", checkout_data(method, payment="card"), follow=True
    ).content.decode()
    assert "We couldn’t start the payment." in page
    assert "Invalid API Key provided" in caplog.text
    assert "Invalid API Key" not in page


def test_an_amount_too_small_for_stripe_is_explained(
    client: Client, stripe: Stripe, method: ShippingMethod
) -> None:
    ShippingMethod.objects.update(price=0)
    fill_cart(client, price=Decimal("0.30"))
    page = client.post(
        "/checkout/", checkout_data(method, payment="card"), follow=True
    ).content.decode()
    assert "This amount can’t be paid by card. Cancel the order to pay another way." in page
    assert "Cancel and return to cart" in page
    order = Order.objects.get()
    assert client.post(f"{order.get_absolute_url()}cancel/")["Location"] == "/cart/"
    order.refresh_from_db()
    assert (order.state, Cart.objects.get().count()) == ("cancelled", 1)


def test_a_free_order_is_paid_at_once(
    client: Client, stripe: Stripe, method: ShippingMethod
) -> None:
    ShippingMethod.objects.update(price=0)
    Voucher.objects.create(code="FREE", kind="percentage", value=100)
    fill_cart(client)
    response = client.post("/checkout/", checkout_data(method, payment="card", code="FREE"))
    order = Order.objects.get()
    assert (response["Location"], order.state) == (order.get_absolute_url(), "paid")
    assert [letter.subject for letter in mail.outbox] == [f"Your order {order.number}"]
    assert stripe.sessions == {}
    assert transition(order, "refunded").state == "refunded"


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("24.95", "EUR", 2495), ("500", "JPY", 500), ("5.12", "KWD", 5120), ("0.01", "USD", 1)],
)
def test_amounts_are_in_minor_units(amount: str, currency: str, units: int) -> None:
    assert minor_units(Decimal(amount), currency) == units


@pytest.mark.parametrize("end", ["cancelled", "paid"])
def test_a_cancelled_order_cannot_be_paid(
    client: Client, stripe: Stripe, order: Order, end: str
) -> None:
    Order.objects.update(state=end)
    answer = client.post(f"{order.get_absolute_url()}pay/", follow=True)
    assert "There is nothing to pay." in answer.content.decode()
    assert list(stripe.sessions) == ["cs_test_1"]


def test_only_a_post_with_the_orders_link_starts_a_payment(client: Client, order: Order) -> None:
    assert client.get(f"{order.get_absolute_url()}pay/").status_code == 405
    assert client.post("/orders/somebody-elses-order/pay/").status_code == 404
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"{order.get_absolute_url()}pay/").status_code == 403


def test_an_unpaid_card_order_is_not_packed_without_stripe(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(METHODS, "card")
    with pytest.raises(TransitionError, match="not been paid yet"):
        transition(order, "packed")
    assert state(order) == ("placed", "pending")
