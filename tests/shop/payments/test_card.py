from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from shop.catalogue.models import Product
from shop.orders.models import Order, ShippingMethod
from shop.orders.payment import METHODS
from shop.orders.states import MoveError, move
from shop.payments.card import Card
from shop.payments.models import Payment, WebhookEvent
from shop.payments.settlement import look_after_payments
from tests.shop.orders.test_checkout import fill, form, method
from tests.shop.payments.stub import Stripe, charge, event, failed_intent, intent, signature

__all__ = ["method"]
pytestmark = pytest.mark.django_db
SECRET = "whsec_test"
WEBHOOK = "/payments/stripe/webhook/"
TOTAL = 2495  # 20.00 and 4.95 of shipping


@pytest.fixture(scope="module")
def server() -> Iterator[Stripe]:
    stub = Stripe()
    yield stub
    stub.stop()


@pytest.fixture
def stripe(server: Stripe, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Stripe:
    server.sessions, server.refunds, server.by_key, server.fails = {}, {}, {}, 0
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_test_1", SECRET
    settings.STRIPE_API_BASE = server.address
    monkeypatch.setitem(METHODS, "card", Card())
    return server


@pytest.fixture
def order(stripe: Stripe, client: Client, method: ShippingMethod) -> Order:
    """Placed by a guest who was sent to Stripe's page and has not paid yet."""
    fill(client, stock=5, price=Decimal("20.00"))
    response = client.post("/checkout/", form(method, payment="card"))
    assert response["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    return Order.objects.get()


def send(client: Client, what: dict[str, Any], **changes: Any) -> int:
    payload = json.dumps(what).encode()
    header = changes.get("header", signature(payload, changes.get("secret", SECRET)))
    return client.post(
        WEBHOOK, payload, content_type="application/json", headers={"Stripe-Signature": header}
    ).status_code


def succeeded(order: Order, number: str = "evt_1", **changes: Any) -> dict[str, Any]:
    return event("payment_intent.succeeded", intent(order.pk, TOTAL, **changes), number)


def failed(order: Order, number: str = "evt_2") -> dict[str, Any]:
    return event("payment_intent.payment_failed", failed_intent(order.pk, TOTAL), number)


def state(order: Order) -> tuple[str, str]:
    order.refresh_from_db()
    return order.state, Payment.objects.get().state


def test_a_card_order_is_paid_by_webhook(client: Client, stripe: Stripe, order: Order) -> None:
    session = stripe.sessions["cs_test_1"]
    assert (session["amount_total"], session["currency"]) == (TOTAL, "eur")
    assert "Pay now" in client.get(order.get_absolute_url()).content.decode()
    back = client.get(f"{order.get_absolute_url()}?back=1").content.decode()
    assert "wait for the confirmation" in back
    assert state(order) == ("placed", "pending")
    assert send(client, event("checkout.session.completed", stripe.pay("cs_test_1"))) == 200
    assert state(order) == ("paid", "paid")
    assert order.paid_at is not None
    assert "Pay now" not in client.get(order.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "whsec_other"},
        {"header": ""},
        {"header": "t=1,v1=00"},
        {"header": "nonsense"},
    ],
)
def test_a_forged_event_is_refused(client: Client, order: Order, changes: dict[str, str]) -> None:
    assert send(client, succeeded(order), **changes) == 400
    assert state(order) == ("placed", "pending")
    assert not WebhookEvent.objects.exists()


def test_a_changed_body_is_refused(client: Client, order: Order) -> None:
    payload = json.dumps(succeeded(order)).encode()
    header = signature(payload, SECRET)
    changed = payload.replace(str(TOTAL).encode(), b"1")
    response = client.post(
        WEBHOOK, changed, content_type="application/json", headers={"Stripe-Signature": header}
    )
    assert response.status_code == 400
    assert state(order) == ("placed", "pending")


def test_an_old_signature_is_refused(client: Client, order: Order) -> None:
    payload = json.dumps(succeeded(order)).encode()
    old = signature(payload, SECRET, at=int(time.time()) - 301)
    assert send(client, succeeded(order), header=old) == 400
    assert state(order) == ("placed", "pending")


def test_an_event_that_comes_twice_counts_once(client: Client, order: Order) -> None:
    assert [send(client, succeeded(order)) for _time in range(3)] == [200, 200, 200]
    assert state(order) == ("paid", "paid")
    assert [e.state for e in order.events.all()] == ["placed", "paid"]
    assert WebhookEvent.objects.count() == 1


def test_both_events_of_one_payment_count_once(
    client: Client, stripe: Stripe, order: Order
) -> None:
    send(client, event("checkout.session.completed", stripe.pay("cs_test_1"), "evt_a"))
    send(client, succeeded(order, "evt_b"))
    assert [e.state for e in order.events.all()] == ["placed", "paid"]


def test_a_failure_that_comes_after_the_success_changes_nothing(
    client: Client, order: Order
) -> None:
    send(client, succeeded(order))
    send(client, failed(order))
    assert state(order) == ("paid", "paid")


def test_a_failed_payment_is_told_and_can_be_repeated(
    client: Client, stripe: Stripe, order: Order
) -> None:
    send(client, failed(order))
    assert state(order) == ("placed", "failed")
    assert "Your card was declined." in client.get(order.get_absolute_url()).content.decode()
    again = client.post(f"{order.get_absolute_url()}pay/")
    assert again["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    send(client, succeeded(order))
    assert state(order) == ("paid", "paid")


def test_another_amount_or_currency_does_not_pay(client: Client, order: Order) -> None:
    send(client, succeeded(order, "evt_1", amount_received=1))
    send(client, succeeded(order, "evt_2", currency="usd"))
    assert state(order) == ("placed", "pending")
    assert "Paid 2495 usd instead" in Payment.objects.get().problem


@pytest.mark.parametrize("number", ["", "0", "999999", "x", "9" * 40])
def test_an_order_that_is_not_ours_is_noted_only(client: Client, order: Order, number: str) -> None:
    strange = event("payment_intent.succeeded", intent(0, TOTAL, metadata={"order": number}))
    assert send(client, strange) == 200
    assert state(order) == ("placed", "pending")


def test_events_that_do_not_concern_us_are_taken(client: Client, order: Order) -> None:
    assert send(client, event("customer.created", {"id": "cus_1", "object": "customer"})) == 200
    assert state(order) == ("placed", "pending")


def test_a_body_that_is_too_large_is_refused(client: Client, stripe: Stripe) -> None:
    assert send(client, {"id": "x" * 300_000, "type": "", "data": {}}) == 413


def test_without_stripe_there_is_no_webhook(client: Client) -> None:
    assert send(client, event("customer.created", {})) == 404


@pytest.mark.django_db(transaction=True)
def test_copies_at_the_same_moment_count_once(client: Client, order: Order) -> None:
    def deliver(_number: int) -> int:
        try:
            return send(Client(), succeeded(order))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(deliver, range(8))) == [200] * 8
    assert state(order) == ("paid", "paid")
    assert [e.state for e in order.events.all()] == ["placed", "paid"]


def test_when_stripe_is_down_the_order_is_kept_and_paid_later(
    client: Client, stripe: Stripe, method: ShippingMethod
) -> None:
    stripe.fails = 500
    fill(client, stock=5, price=Decimal("20.00"))
    page = client.post("/checkout/", form(method, payment="card"), follow=True)
    assert "The payment could not be started." in page.content.decode()
    order = Order.objects.get()
    assert (order.state, Product.objects.get().stock) == ("placed", 4)
    stripe.fails = 0
    paid = client.post(f"{order.get_absolute_url()}pay/")
    assert paid["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"


def _age(order: Order, minutes: int) -> None:
    earlier = timezone.now() - timedelta(minutes=minutes)
    Order.objects.filter(pk=order.pk).update(placed=earlier)
    Payment.objects.update(updated=earlier)


def test_what_nobody_pays_is_released(stripe: Stripe, order: Order) -> None:
    _age(order, 59)
    look_after_payments()
    assert state(order) == ("placed", "pending")
    _age(order, 61)
    look_after_payments()
    assert state(order) == ("cancelled", "pending")
    assert stripe.sessions["cs_test_1"]["status"] == "expired"
    assert Product.objects.get().stock == 5


def test_a_payment_that_no_webhook_told_is_found_by_asking(stripe: Stripe, order: Order) -> None:
    stripe.pay("cs_test_1")
    _age(order, 61)
    look_after_payments()
    assert state(order) == ("paid", "paid")
    assert Product.objects.get().stock == 4


def test_money_for_a_cancelled_order_goes_back(
    client: Client, stripe: Stripe, order: Order
) -> None:
    move(order, "cancelled")
    send(client, succeeded(order))
    assert state(order) == ("cancelled", "refund due")
    stripe.fails = 500
    look_after_payments()
    assert state(order) == ("cancelled", "refund due")
    stripe.fails = 0
    look_after_payments()
    assert state(order) == ("cancelled", "refunded")
    assert [refund["payment_intent"] for refund in stripe.refunds.values()] == ["pi_1"]


def test_staff_refund_a_paid_order_once(client: Client, stripe: Stripe, order: Order) -> None:
    send(client, succeeded(order))
    stripe.fails = 402
    with pytest.raises(MoveError, match="Stripe refused the refund"):
        move(order, "refunded")
    assert state(order) == ("paid", "paid")
    stripe.fails = 0
    move(order, "refunded")
    assert state(order) == ("refunded", "refunded")
    send(client, event("charge.refunded", charge(order.pk, TOTAL, TOTAL), "evt_9"))
    assert state(order) == ("refunded", "refunded")
    assert len(stripe.refunds) == 1


def test_a_refund_made_at_stripe_reaches_us(client: Client, order: Order) -> None:
    send(client, succeeded(order))
    send(client, event("charge.refunded", charge(order.pk, TOTAL, 100), "evt_8"))
    assert state(order) == ("paid", "paid")
    send(client, event("charge.refunded", charge(order.pk, TOTAL, TOTAL), "evt_9"))
    assert state(order) == ("refunded", "refunded")


def test_an_unpaid_card_order_is_not_packed(order: Order) -> None:
    with pytest.raises(MoveError, match="not paid yet"):
        move(order, "packed")
    assert state(order) == ("placed", "pending")


def test_a_paid_order_is_refunded_and_not_cancelled(client: Client, order: Order) -> None:
    send(client, succeeded(order))
    move(order, "packed")
    with pytest.raises(MoveError, match="Refund it instead"):
        move(order, "cancelled")
    assert state(order) == ("packed", "paid")


def test_an_order_paid_this_moment_is_not_cancelled(stripe: Stripe, order: Order) -> None:
    stripe.pay("cs_test_1")
    with pytest.raises(MoveError, match="just been paid"):
        move(order, "cancelled")
    assert state(order) == ("placed", "pending")


def test_a_card_order_without_stripe_is_not_refunded_in_silence(
    client: Client, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(client, succeeded(order))
    monkeypatch.delitem(METHODS, "card")
    with pytest.raises(MoveError, match="not configured"):
        move(order, "refunded")
    assert state(order) == ("paid", "paid")


def test_there_is_nothing_to_pay_for_an_invoice(client: Client, method: ShippingMethod) -> None:
    fill(client)
    client.post("/checkout/", form(method))
    order = Order.objects.get()
    assert "Pay now" not in client.get(order.get_absolute_url()).content.decode()
    assert client.post(f"{order.get_absolute_url()}pay/")["Location"] == order.get_absolute_url()


def test_cards_are_offered_only_with_stripe(client: Client, method: ShippingMethod) -> None:
    fill(client)
    assert "Apple Pay" not in client.get("/checkout/").content.decode()
    assert client.post("/checkout/", form(method, payment="card")).status_code == 422
    assert not Order.objects.exists()
