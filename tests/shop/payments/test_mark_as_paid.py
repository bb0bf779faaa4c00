"""Staff mark card orders as paid while webhooks do not arrive."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from shop.orders.models import Order
from shop.orders.payment import METHODS
from shop.orders.states import TransitionError, transition
from shop.payments.reconciliation import reconcile_payments
from tests.shop.payments.events import event, refunded, send
from tests.shop.payments.order_state import age, history, state
from tests.shop.payments.stub import Stripe

pytestmark = pytest.mark.django_db


def _mark_as_paid(staff: Client, order: Order) -> str:
    action = {"action": "make_paid", "_selected_action": [order.pk]}
    page = staff.post(reverse("admin:orders_order_changelist"), action, follow=True)
    return str(page.content.decode())


def test_a_payment_that_staff_marked_first_is_kept_when_the_webhook_arrives(
    client: Client, admin_client: Client, stripe: Stripe, order: Order
) -> None:
    session = stripe.pay("cs_test_1")
    assert "1 order updated." in _mark_as_paid(admin_client, order)
    assert state(order) == ("paid", "paid")
    send(client, event("checkout.session.completed", session))
    reconcile_payments()
    assert (state(order), stripe.refunds) == (("paid", "paid"), {})
    assert history(order) == ["placed", "paid"]
    transition(order, "refunded")
    assert state(order) == ("refunded", "refunded")
    assert [refund["payment_intent"] for refund in stripe.refunds.values()] == ["pi_1"]


def test_staff_cannot_mark_a_card_order_as_paid_that_stripe_has_no_payment_for(
    admin_client: Client, stripe: Stripe, order: Order
) -> None:
    assert "Stripe has not received the payment." in _mark_as_paid(admin_client, order)
    stripe.fails = 500
    assert "Stripe did not answer" in _mark_as_paid(admin_client, order)
    stripe.fails = 0
    stripe.pay("cs_test_1")["amount_total"] = 1
    assert "Stripe has not received the payment." in _mark_as_paid(admin_client, order)
    assert state(order) == ("placed", "pending")


def test_staff_cannot_mark_an_order_as_paid_whose_payment_was_refunded(
    client: Client, stripe: Stripe, order: Order
) -> None:
    stripe.pay("cs_test_1")
    send(client, refunded(order))
    with pytest.raises(TransitionError, match="has not received the payment"):
        transition(order, "paid")
    assert state(order) == ("placed", "refunded")


@pytest.mark.parametrize("webhook", [True, False])
def test_a_payment_for_an_order_marked_as_paid_without_stripe_is_kept(
    client: Client,
    stripe: Stripe,
    order: Order,
    monkeypatch: pytest.MonkeyPatch,
    webhook: bool,
) -> None:
    session = stripe.pay("cs_test_1")
    with monkeypatch.context() as patch:
        patch.delitem(METHODS, "card")
        transition(order, "paid")
    assert state(order) == ("paid", "pending")
    age(order, 3)
    if webhook:
        send(client, event("checkout.session.completed", session))
    else:
        reconcile_payments()
    reconcile_payments()
    assert (state(order), stripe.refunds) == (("paid", "paid"), {})
