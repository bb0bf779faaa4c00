from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from shop.catalogue.models import Product
from shop.orders.models import Order, ShippingMethod, Voucher
from shop.orders.payment import METHODS
from shop.orders.states import TransitionError, transition
from shop.payments.models import WebhookEvent
from shop.payments.reconciliation import reconcile_payments
from tests.shop.orders.checkouts import checkout_data, fill_cart
from tests.shop.payments.events import event, refunded, send, succeeded
from tests.shop.payments.order_state import age, at_once, history, state
from tests.shop.payments.stub import Stripe

pytestmark = pytest.mark.django_db


def test_an_unpaid_order_is_cancelled_after_the_timeout(stripe: Stripe, order: Order) -> None:
    Voucher.objects.create(code="ONCE", kind="amount", value=5, limit=1, used=1)
    Order.objects.update(voucher_code="ONCE")
    age(order, 59)
    reconcile_payments()
    assert state(order) == ("placed", "pending")
    age(order, 61)
    reconcile_payments()
    assert state(order) == ("cancelled", "pending")
    assert stripe.sessions["cs_test_1"]["status"] == "expired"
    assert Product.objects.get().stock == 5
    assert Voucher.objects.get().used == 0


def test_a_payment_without_a_webhook_is_found_by_polling(stripe: Stripe, order: Order) -> None:
    stripe.pay("cs_test_1")
    age(order, 61)
    reconcile_payments()
    assert state(order) == ("paid", "paid")
    assert Product.objects.get().stock == 4


def test_a_payment_for_a_cancelled_order_is_refunded(
    client: Client, stripe: Stripe, order: Order
) -> None:
    transition(order, "cancelled")
    send(client, succeeded(order))
    assert state(order) == ("cancelled", "refund due")
    stripe.fails = 500
    reconcile_payments()
    assert state(order) == ("cancelled", "refund due")
    stripe.fails = 0
    reconcile_payments()
    assert state(order) == ("cancelled", "refunded")
    assert [refund["payment_intent"] for refund in stripe.refunds.values()] == ["pi_1"]


def test_staff_refund_a_paid_order_once(client: Client, stripe: Stripe, order: Order) -> None:
    send(client, succeeded(order))
    stripe.fails = 402
    with pytest.raises(TransitionError, match="Stripe refused the refund"):
        transition(order, "refunded")
    assert state(order) == ("paid", "paid")
    stripe.fails = 0
    transition(order, "refunded")
    assert state(order) == ("refunded", "refunded")
    send(client, refunded(order))
    assert state(order) == ("refunded", "refunded")
    assert len(stripe.refunds) == 1


def test_a_refund_made_at_stripe_is_recorded(client: Client, order: Order) -> None:
    send(client, succeeded(order))
    send(client, refunded(order, 100, "evt_8"))
    assert state(order) == ("paid", "paid")
    send(client, refunded(order))
    assert state(order) == ("refunded", "refunded")


def test_a_paid_order_is_refunded_and_not_cancelled(client: Client, order: Order) -> None:
    send(client, succeeded(order))
    transition(order, "packed")
    with pytest.raises(TransitionError, match="Refund it instead"):
        transition(order, "cancelled")
    assert state(order) == ("packed", "paid")


def test_an_order_that_has_just_been_paid_is_not_cancelled(stripe: Stripe, order: Order) -> None:
    stripe.pay("cs_test_1")
    with pytest.raises(TransitionError, match="just been paid"):
        transition(order, "cancelled")
    assert state(order) == ("placed", "pending")


def test_a_refund_without_stripe_is_refused(
    client: Client, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(client, succeeded(order))
    monkeypatch.delitem(METHODS, "card")
    with pytest.raises(TransitionError, match="not configured"):
        transition(order, "refunded")
    assert state(order) == ("paid", "paid")


def test_no_order_is_cancelled_while_stripe_is_unreachable(stripe: Stripe, order: Order) -> None:
    """Because it might have been paid."""
    age(order, 61)
    stripe.fails = 500
    reconcile_payments()
    assert state(order) == ("placed", "pending")
    assert Product.objects.get().stock == 4
    stripe.fails = 0
    reconcile_payments()
    assert state(order) == ("cancelled", "pending")


def test_an_order_that_never_reached_stripe_is_cancelled(
    client: Client, stripe: Stripe, method: ShippingMethod
) -> None:
    stripe.fails = 500
    fill_cart(client, stock=5)
    client.post("/checkout/", checkout_data(method, payment="card"))
    order = Order.objects.get()
    age(order, 61)
    reconcile_payments()
    order.refresh_from_db()
    assert (order.state, Product.objects.get().stock) == ("cancelled", 5)


def test_orders_on_invoice_are_never_cancelled(client: Client, method: ShippingMethod) -> None:
    fill_cart(client)
    client.post("/checkout/", checkout_data(method))
    age(Order.objects.get(), 100_000)
    reconcile_payments()
    assert Order.objects.get().state == "placed"


def test_card_orders_are_cancelled_when_stripe_is_disabled(
    order: Order, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(METHODS, "card")
    settings.STRIPE_SECRET_KEY = ""
    age(order, 61)
    reconcile_payments()
    assert state(order) == ("cancelled", "pending")
    assert Product.objects.get().stock == 5


def test_staff_read_why_a_refund_failed_and_can_repeat_it_at_once(
    client: Client, stripe: Stripe, order: Order, admin_client: Client
) -> None:
    send(client, succeeded(order))
    orders = "/admin/orders/order/"
    action = {"action": "make_refunded", "_selected_action": [order.pk]}
    stripe.fails = 500
    page = admin_client.post(orders, action, follow=True).content.decode()
    assert "Stripe refused the refund: Something went wrong" in page
    assert state(order) == ("paid", "paid")
    assert history(order) == ["placed", "paid"]
    stripe.fails = 0
    page = admin_client.post(orders, action, follow=True).content.decode()
    assert "1 order updated." in page
    assert state(order) == ("refunded", "refunded")


@pytest.mark.parametrize("lost", [1, 2])
def test_a_refund_with_a_lost_response_is_made_once(
    client: Client, stripe: Stripe, order: Order, lost: int
) -> None:
    send(client, succeeded(order))
    stripe.loses = lost
    if lost == 2:  # the library's second try as well
        with pytest.raises(TransitionError, match="Stripe refused the refund"):
            transition(order, "refunded")
        assert state(order) == ("paid", "paid")
    transition(order, "refunded")
    assert state(order) == ("refunded", "refunded")
    assert list(stripe.refunds) == ["re_1"]


@pytest.mark.django_db(transaction=True)
def test_simultaneous_refunds_are_made_once(client: Client, stripe: Stripe, order: Order) -> None:
    def refund() -> str:
        try:
            return transition(order, "refunded").state
        except TransitionError:
            return "refused"

    send(client, succeeded(order))
    assert sorted(at_once(refund, refund)) == ["refunded", "refused"]
    assert state(order) == ("refunded", "refunded")
    assert list(stripe.refunds) == ["re_1"]


def test_a_refund_rejected_by_the_bank_is_shown_to_staff(
    client: Client, order: Order, admin_client: Client
) -> None:
    send(client, succeeded(order))
    transition(order, "refunded")
    values = {"id": "re_1", "payment_intent": "pi_1", "failure_reason": "lost_or_stolen_card"}
    assert send(client, event("refund.failed", values, "evt_7")) == 200
    page = admin_client.get("/admin/payments/payment/").content.decode()
    assert "The refund failed: lost_or_stolen_card; see pi_1." in page


def test_beat_reconciles_and_deletes_old_events(client: Client, order: Order) -> None:
    from shop.payments.tasks import reconcile_payments as task

    send(client, succeeded(order))
    task()
    assert WebhookEvent.objects.count() == 1
    WebhookEvent.objects.update(received=timezone.now() - timedelta(days=31))
    task()
    assert WebhookEvent.objects.count() == 0
    assert state(order) == ("paid", "paid")
