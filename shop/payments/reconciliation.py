"""Reconcile payments with Stripe: at once by webhook, or later by polling."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from time import monotonic
from typing import Any

import stripe
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shop.orders.models import Order
from shop.orders.payment import PaymentError
from shop.orders.states import TransitionError, transition
from shop.payments.card import OPEN, Card, client
from shop.payments.models import Payment, WebhookEvent

logger = logging.getLogger(__name__)
STATE = Payment.State
POLL_AFTER = timedelta(minutes=2)
EVENT_LIFETIME = timedelta(days=30)
BATCH_SIZE = 100
MAX_SECONDS = 30


@transaction.atomic
def handle_event(event: dict[str, Any]) -> bool:
    """Handle a verified event. Return ``False`` for a duplicate or a type without a handler.

    The event is recorded in the transaction that handles it, so that no failed event counts as
    handled when Stripe sends it again.
    """
    values = {"kind": event["type"][:80]}
    if not WebhookEvent.objects.get_or_create(pk=event["id"], defaults=values)[1]:
        return False
    handler = HANDLERS.get(event["type"])
    if handler is None:
        return False
    handler(event["data"]["object"])
    return True


def mark_paid(token: object, intent: str, amount: int, currency: str) -> None:
    """Mark the payment and its order as paid. Repeated or late events change nothing."""
    payment = _lock_payment(token)
    if payment is None:
        return
    if payment.state not in OPEN:
        if payment.intent_id != intent:
            _record_problem(payment, f"Paid a second time; refund {intent} at Stripe.")
        return
    if (amount, currency.upper()) != (payment.amount, payment.currency):
        _record_problem(payment, f"Paid {amount} {currency} instead; see {intent} at Stripe.")
        return
    payment.state, payment.intent_id, payment.problem = STATE.PAID, intent, ""
    if payment.order.state in Order.VOID:
        # The order was cancelled in the meantime, so ``reconcile_payments`` refunds the payment.
        payment.state = STATE.REFUND_DUE
        logger.warning("Order %s was paid after its cancellation; will refund it.", payment.order)
    payment.save()
    if payment.order.state == Order.State.PLACED:
        transition(payment.order, Order.State.PAID)


def _record_problem(payment: Payment, problem: str) -> None:
    """Record a problem that only staff can solve."""
    logger.error("Order %s: %s", payment.order, problem)
    payment.problem = problem[:300]
    payment.save(update_fields=["problem", "updated"])


def _lock_payment(token: object) -> Payment | None:
    """Return the payment of the order with this token; lock the order, then the payment."""
    order = Order.objects.select_for_update().filter(token=str(token)).first()
    payment = Payment.objects.select_for_update().filter(order=order).first() if order else None
    if payment is None:
        logger.warning("Stripe names an order that is not ours: %r", token)
    return payment


def _session_completed(session: dict[str, Any]) -> None:
    if session["payment_status"] == "paid":
        order, intent = session["client_reference_id"], session["payment_intent"]
        mark_paid(order, intent, session["amount_total"], session["currency"])


def _intent_succeeded(intent: dict[str, Any]) -> None:
    order = intent.get("metadata", {}).get("order", "")
    mark_paid(order, intent["id"], intent["amount_received"], intent["currency"])


def _intent_failed(intent: dict[str, Any]) -> None:
    payment = _lock_payment(intent.get("metadata", {}).get("order", ""))
    if payment is None or payment.state != STATE.PENDING:
        return
    error = intent.get("last_payment_error") or {}
    payment.state, payment.problem = STATE.FAILED, str(error.get("message", ""))[:300]
    payment.save(update_fields=["state", "problem", "updated"])


def _charge_refunded(charge: dict[str, Any]) -> None:
    """Record a full refund that was made in Stripe's dashboard."""
    payment = _lock_payment(charge.get("metadata", {}).get("order", ""))
    is_full = charge["amount_refunded"] >= charge["amount"]
    if payment is None or not is_full or payment.state == STATE.REFUNDED:
        return
    if payment.intent_id not in ("", charge["payment_intent"]):
        return  # a second payment of the order was refunded, not the recorded one
    payment.state, payment.intent_id = STATE.REFUNDED, charge["payment_intent"]
    payment.save()
    try:
        transition(payment.order, Order.State.REFUNDED)
    except TransitionError as error:
        logger.warning("Refunded at Stripe, but: %s", error)


def _refund_failed(refund: dict[str, Any]) -> None:
    """Record a refund that the buyer's bank rejected, days after Stripe accepted it."""
    intent = refund.get("payment_intent") or "none"
    payment = Payment.objects.select_for_update().filter(intent_id=intent).first()
    if payment is not None:
        _record_problem(
            payment, f"The refund failed: {refund.get('failure_reason')}; see {intent}."
        )


HANDLERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "checkout.session.completed": _session_completed,
    "payment_intent.succeeded": _intent_succeeded,
    "payment_intent.payment_failed": _intent_failed,
    "charge.refunded": _charge_refunded,
    "refund.failed": _refund_failed,
}


def reconcile_payments() -> None:
    """Poll open payments, refund payments of cancelled orders, and cancel overdue unpaid orders."""
    WebhookEvent.objects.filter(received__lt=timezone.now() - EVENT_LIFETIME).delete()
    if settings.STRIPE_SECRET_KEY:
        for pk in _until_timeout(_ids(Payment.objects.filter(state=STATE.REFUND_DUE))):
            _refund(pk)
        # Staff may have marked the order as paid while no card method was configured.
        waiting = Payment.objects.filter(state__in=OPEN).exclude(session_id="")
        waiting = waiting.exclude(order__state__in=Order.VOID)
        for pk in _until_timeout(_ids(waiting.filter(updated__lt=timezone.now() - POLL_AFTER))):
            _poll(pk)
    limit = timezone.now() - timedelta(minutes=settings.PAYMENT_TIMEOUT_MINUTES)
    cards = Order.objects.filter(payment=Card.code, state=Order.State.PLACED, placed__lt=limit)
    for pk in _until_timeout(cards.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]):
        _cancel(pk)


def _ids(payments: Any) -> list[int]:
    return list(payments.order_by("updated").values_list("pk", flat=True)[:BATCH_SIZE])


def _until_timeout(keys: Iterable[int]) -> Iterator[int]:
    """Yield ids until the time is up, such as when Stripe is slow; the next run does the rest."""
    end = monotonic() + MAX_SECONDS
    for pk in keys:
        if monotonic() > end:
            return
        yield pk


@transaction.atomic
def _refund(pk: int) -> None:
    payment = Payment.objects.select_related("order").get(pk=pk)
    try:
        Card().refund(payment.order)
    except PaymentError as error:
        logger.error("Order %s: %s", payment.order, error)


def _poll(pk: int) -> None:
    payment = Payment.objects.select_related("order").get(pk=pk)
    try:
        session = client().v1.checkout.sessions.retrieve(payment.session_id)
    except stripe.StripeError:
        logger.exception("Stripe did not answer about order %s", payment.order)
        return
    Payment.objects.filter(pk=pk).update(updated=timezone.now())
    if session.payment_status == "paid":
        with transaction.atomic():
            amount, currency = session.amount_total or 0, session.currency or ""
            mark_paid(payment.order.token, str(session.payment_intent), amount, currency)


def _cancel(pk: int) -> None:
    """Cancel an order, unless it has been paid at the last moment."""
    order = Order.objects.get(pk=pk)
    try:
        transition(order, Order.State.CANCELLED)
    except TransitionError as error:
        logger.warning("Order %s is not cancelled: %s", order, error)
