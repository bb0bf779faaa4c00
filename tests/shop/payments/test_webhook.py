from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shop.catalogue.models import Product
from shop.orders.models import Order
from shop.orders.states import TransitionError, transition
from shop.payments.models import Payment, WebhookEvent
from shop.payments.reconciliation import reconcile_payments
from tests.shop.payments.events import (
    SECRET,
    TOTAL,
    event,
    failed,
    intent,
    post,
    refunded,
    send,
    signature,
    succeeded,
)
from tests.shop.payments.order_state import age, at_once, history, state
from tests.shop.payments.stub import Stripe

pytestmark = pytest.mark.django_db


def _nothing_happened(order: Order) -> bool:
    return state(order) == ("placed", "pending") and not WebhookEvent.objects.exists()


FORGED = ["", "t=1,v1=00", "nonsense", "t=,v1=", f"v1={'0' * 64}", f"t=9999999999,v1={'0' * 64}"]


@pytest.mark.parametrize("header", FORGED)
def test_a_forged_signature_is_refused(client: Client, order: Order, header: str) -> None:
    assert post(client, json.dumps(succeeded(order)).encode(), header) == 400
    assert _nothing_happened(order)


def test_another_shops_secret_is_refused(client: Client, order: Order) -> None:
    payload = json.dumps(succeeded(order)).encode()
    assert post(client, payload, signature(payload, "whsec_other")) == 400
    assert post(client, payload, signature(payload, "")) == 400
    assert _nothing_happened(order)


def test_the_old_scheme_of_signatures_is_refused(client: Client, order: Order) -> None:
    payload = json.dumps(succeeded(order)).encode()
    assert post(client, payload, signature(payload).replace("v1=", "v0=")) == 400
    assert _nothing_happened(order)


def test_a_changed_body_is_refused(client: Client, order: Order) -> None:
    payload = json.dumps(succeeded(order, amount_received=1)).encode()
    changed = payload.replace(b'"amount_received": 1', b'"amount_received": 2495')
    assert changed != payload
    assert post(client, changed, signature(payload)) == 400
    assert _nothing_happened(order)


def test_a_signature_with_another_time_is_refused(client: Client, order: Order) -> None:
    """An intercepted event cannot be replayed later."""
    payload = json.dumps(succeeded(order)).encode()
    now = int(time.time())
    old = signature(payload, SECRET, at=now - 3600)
    assert post(client, payload, old.replace(f"t={now - 3600}", f"t={now}")) == 400
    assert _nothing_happened(order)


@pytest.mark.parametrize(("seconds", "status"), [(301, 400), (290, 200)])
def test_a_signature_is_valid_for_five_minutes(
    client: Client, order: Order, seconds: int, status: int
) -> None:
    payload = json.dumps(succeeded(order)).encode()
    then = signature(payload, SECRET, at=int(time.time()) - seconds)
    assert post(client, payload, then) == status
    assert state(order) == (("paid", "paid") if status == 200 else ("placed", "pending"))


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe"])
def test_a_signed_body_that_is_not_json_is_refused(
    client: Client, stripe: Stripe, payload: bytes
) -> None:
    assert post(client, payload, signature(payload)) == 400


def test_a_body_that_is_too_large_is_refused(client: Client, stripe: Stripe) -> None:
    assert send(client, {"id": "x" * 300_000, "type": "", "data": {}}) == 413


def test_the_webhook_accepts_only_posts(client: Client, stripe: Stripe) -> None:
    assert client.get("/payments/stripe/webhook/").status_code == 405


def test_without_stripe_there_is_no_webhook(client: Client) -> None:
    assert send(client, event("customer.created", {})) == 404


def test_a_duplicate_event_is_ignored(client: Client, order: Order) -> None:
    assert [send(client, succeeded(order)) for _time in range(3)] == [200, 200, 200]
    assert state(order) == ("paid", "paid")
    assert history(order) == ["placed", "paid"]
    assert WebhookEvent.objects.count() == 1


def test_a_duplicate_event_takes_few_queries(client: Client, order: Order) -> None:
    with CaptureQueriesContext(
        connection,
    ) as first:
        send(client, succeeded(order))
    with CaptureQueriesContext(connection) as second:
        send(client, succeeded(order))
    assert (len(first), len(second)) == (17, 3)


@pytest.mark.parametrize("way", list(permutations(range(3))))
def test_events_may_come_in_any_order(
    client: Client, stripe: Stripe, order: Order, way: tuple[int, ...]
) -> None:
    """A card is declined, then another is accepted."""
    stripe.pay("cs_test_1")
    events = [
        failed(order, "evt_1"),
        succeeded(order, "evt_2"),
        event("checkout.session.completed", stripe.sessions["cs_test_1"], "evt_3"),
    ]
    assert [send(client, events[number]) for number in way] == [200, 200, 200]
    assert state(order) == ("paid", "paid")
    assert history(order) == ["placed", "paid"]


def test_a_success_event_after_its_refund_changes_nothing(
    client: Client, stripe: Stripe, order: Order
) -> None:
    stripe.pay("cs_test_1")
    send(client, refunded(order))
    send(client, succeeded(order))
    assert state(order) == ("placed", "refunded")
    age(order, 61)
    reconcile_payments()
    assert state(order) == ("cancelled", "refunded")
    assert Product.objects.get().stock == 5
    assert stripe.refunds == {}


def test_an_event_that_fails_is_handled_when_resent(
    client: Client, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr("shop.payments.reconciliation.transition", lambda *_values: 1 / 0)
        assert send(client, succeeded(order)) == 500
    assert _nothing_happened(order)
    assert send(client, succeeded(order)) == 200
    assert state(order) == ("paid", "paid")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"amount_received": 1}, "Paid 1 eur instead; see pi_1 at Stripe."),
        ({"amount_received": TOTAL + 1}, "Paid 2496 eur instead; see pi_1 at Stripe."),
        ({"currency": "usd"}, "Paid 2495 usd instead; see pi_1 at Stripe."),
    ],
)
def test_a_different_amount_or_currency_does_not_pay(
    client: Client,
    order: Order,
    changes: dict[str, Any],
    problem: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert send(client, succeeded(order, **changes)) == 200
    assert state(order) == ("placed", "pending")
    assert Payment.objects.get().problem == problem
    assert problem in caplog.text


@pytest.mark.parametrize("token", ["", "0", "x", "9" * 40, None, {"a": 1}])
def test_an_unknown_order_is_only_logged(client: Client, order: Order, token: Any) -> None:
    assert send(client, event("payment_intent.succeeded", intent(token))) == 200
    assert state(order) == ("placed", "pending")


def test_the_number_of_an_order_does_not_pay_it(client: Client, order: Order) -> None:
    """Because another shop with the same Stripe account may have the same order numbers."""
    assert send(client, event("payment_intent.succeeded", intent(str(order.pk)))) == 200
    assert state(order) == ("placed", "pending")


def test_irrelevant_events_are_accepted(client: Client, order: Order) -> None:
    assert send(client, event("customer.created", {"id": "cus_1", "object": "customer"})) == 200
    assert state(order) == ("placed", "pending")


def test_a_second_payment_is_shown_to_staff(
    client: Client, order: Order, admin_client: Client
) -> None:
    send(client, succeeded(order))
    send(client, succeeded(order, "evt_2", id="pi_2"))
    assert state(order) == ("paid", "paid")
    page = admin_client.get("/admin/payments/payment/").content.decode()
    assert "Paid a second time; refund pi_2 at Stripe." in page
    send(client, refunded(order, payment_intent="pi_2"))
    assert state(order) == ("paid", "paid")


@pytest.mark.django_db(transaction=True)
def test_simultaneous_duplicates_count_once(client: Client, order: Order) -> None:
    deliver = [partial(send, Client(), succeeded(order)) for _copy in range(8)]
    assert at_once(*deliver) == [200] * 8
    assert state(order) == ("paid", "paid")
    assert history(order) == ["placed", "paid"]
    assert WebhookEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_simultaneous_different_events_pay_once(
    client: Client, stripe: Stripe, order: Order
) -> None:
    completed = event("checkout.session.completed", stripe.pay("cs_test_1"), "evt_0")
    events = [completed, *(succeeded(order, f"evt_{number}") for number in range(1, 5))]
    events += [failed(order, f"evt_{number}") for number in range(5, 8)]
    assert at_once(*(partial(send, Client(), what) for what in events)) == [200] * 8
    assert state(order) == ("paid", "paid")
    assert history(order) == ["placed", "paid"]


@pytest.mark.django_db(transaction=True)
def test_a_payment_and_a_simultaneous_timeout_agree(
    client: Client, stripe: Stripe, order: Order
) -> None:
    """The order is paid and kept, or cancelled and refunded; never paid but cancelled."""
    stripe.pay("cs_test_1")
    age(order, 61)
    at_once(partial(send, Client(), succeeded(order)), reconcile_payments, reconcile_payments)
    assert state(order) == ("paid", "paid")
    assert Product.objects.get().stock == 4


@pytest.mark.django_db(transaction=True)
def test_a_payment_and_a_simultaneous_cancellation_agree(
    client: Client, stripe: Stripe, order: Order
) -> None:
    def cancel() -> str:
        try:
            return transition(order, "cancelled").state
        except TransitionError:
            return "refused"

    stripe.pay("cs_test_1")
    assert at_once(partial(send, Client(), succeeded(order)), cancel) == [200, "refused"]
    assert state(order) == ("paid", "paid")


@pytest.mark.django_db(transaction=True)
def test_a_payment_during_a_cancellation_is_refunded(
    client: Client, stripe: Stripe, order: Order
) -> None:
    """The webhook waits for the lock on the order."""
    with ThreadPoolExecutor(1) as pool:
        webhook = []

        def money_comes() -> None:
            webhook.append(pool.submit(at_once, partial(send, Client(), succeeded(order))))
            time.sleep(0.5)

        stripe.meanwhile = money_comes
        transition(order, "cancelled")
        assert webhook[0].result() == [200]
    assert state(order) == ("cancelled", "refund due")
    reconcile_payments()
    assert state(order) == ("cancelled", "refunded")
    assert Product.objects.get().stock == 5
