"""What Stripe says, brought into our books: at once by webhook, or later by asking."""

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
from shop.payments.card import Card, client
from shop.payments.models import Payment, WebhookEvent

logger = logging.getLogger(__name__)
STATE = Payment.State
ASK_AFTER = timedelta(minutes=2)
REMEMBER_EVENTS = timedelta(days=30)
AT_ONCE = 100
SECONDS = 30


@transaction.atomic
def receive(event: dict[str, Any]) -> bool:
    """Deal with one verified event. ``False``: it is a copy, or nothing that concerns us.

    The event is remembered in the same transaction, so that one which fails comes again.
    """
    values = {"kind": event["type"][:80]}
    if not WebhookEvent.objects.get_or_create(pk=event["id"], defaults=values)[1]:
        return False
    handler = HANDLERS.get(event["type"])
    if handler is None:
        return False
    handler(event["data"]["object"])
    return True


def settle(token: object, intent: str, amount: int, currency: str) -> None:
    """The money is there. Whatever came before or comes again after changes nothing."""
    payment = _locked(token)
    if payment is None:
        return
    if payment.state not in (STATE.PENDING, STATE.FAILED):
        if payment.intent_id != intent:
            _note(payment, f"Paid a second time; give {intent} back at Stripe.")
        return
    if (amount, currency.upper()) != (payment.amount, payment.currency):
        _note(payment, f"Paid {amount} {currency} instead; see {intent} at Stripe.")
        return
    payment.state, payment.intent_id, payment.problem = STATE.PAID, intent, ""
    if payment.order.state == Order.State.PLACED:
        payment.save()
        transition(payment.order, Order.State.PAID)
        return
    # It was cancelled meanwhile; beat gives the money back.
    payment.state = STATE.REFUND_DUE
    payment.save()
    logger.warning("Order %s was paid after its end; the money goes back.", payment.order)


def _note(payment: Payment, problem: str) -> None:
    """For the staff: nothing here can put it right."""
    logger.error("Order %s: %s", payment.order, problem)
    payment.problem = problem[:300]
    payment.save(update_fields=["problem", "updated"])


def _locked(token: object) -> Payment | None:
    """The order's row is locked first, here and everywhere."""
    order = Order.objects.select_for_update().filter(token=str(token)).first()
    payment = Payment.objects.select_for_update().filter(order=order).first() if order else None
    if payment is None:
        logger.warning("Stripe names an order that is not ours: %r", token)
    return payment


def _session_completed(session: dict[str, Any]) -> None:
    if session["payment_status"] == "paid":
        order, intent = session["client_reference_id"], session["payment_intent"]
        settle(order, intent, session["amount_total"], session["currency"])


def _intent_succeeded(intent: dict[str, Any]) -> None:
    order = intent.get("metadata", {}).get("order", "")
    settle(order, intent["id"], intent["amount_received"], intent["currency"])


def _intent_failed(intent: dict[str, Any]) -> None:
    payment = _locked(intent.get("metadata", {}).get("order", ""))
    if payment is None or payment.state != STATE.PENDING:
        return
    error = intent.get("last_payment_error") or {}
    payment.state, payment.problem = STATE.FAILED, str(error.get("message", ""))[:300]
    payment.save(update_fields=["state", "problem", "updated"])


def _charge_refunded(charge: dict[str, Any]) -> None:
    """All of it was given back at Stripe's own page."""
    payment = _locked(charge.get("metadata", {}).get("order", ""))
    whole = charge["amount_refunded"] >= charge["amount"]
    if payment is None or not whole or payment.state == STATE.REFUNDED:
        return
    if payment.intent_id not in ("", charge["payment_intent"]):
        return  # what was paid a second time
    payment.state, payment.intent_id = STATE.REFUNDED, charge["payment_intent"]
    payment.save()
    try:
        transition(payment.order, Order.State.REFUNDED)
    except TransitionError as error:
        logger.warning("Refunded at Stripe, but: %s", error)


def _refund_failed(refund: dict[str, Any]) -> None:
    """Days after Stripe accepted it, the buyer's bank did not."""
    intent = refund.get("payment_intent") or "none"
    payment = Payment.objects.select_for_update().filter(intent_id=intent).first()
    if payment is not None:
        _note(payment, f"The refund failed: {refund.get('failure_reason')}; see {intent}.")


HANDLERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "checkout.session.completed": _session_completed,
    "payment_intent.succeeded": _intent_succeeded,
    "payment_intent.payment_failed": _intent_failed,
    "charge.refunded": _charge_refunded,
    "refund.failed": _refund_failed,
}


def reconcile_payments() -> None:
    """Ask about what no webhook told, give back what came too late, release what nobody paid."""
    WebhookEvent.objects.filter(received__lt=timezone.now() - REMEMBER_EVENTS).delete()
    if settings.STRIPE_SECRET_KEY:
        for pk in _in_time(_keys(Payment.objects.filter(state=STATE.REFUND_DUE))):
            _give_back(pk)
        open_ones = Payment.objects.filter(state__in=(STATE.PENDING, STATE.FAILED))
        waiting = open_ones.filter(order__state=Order.State.PLACED).exclude(session_id="")
        for pk in _in_time(_keys(waiting.filter(updated__lt=timezone.now() - ASK_AFTER))):
            _ask(pk)
    limit = timezone.now() - timedelta(minutes=settings.PAYMENT_TIMEOUT_MINUTES)
    cards = Order.objects.filter(payment=Card.code, state=Order.State.PLACED, placed__lt=limit)
    for pk in _in_time(cards.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        _release(pk)


def _keys(payments: Any) -> list[int]:
    return list(payments.order_by("updated").values_list("pk", flat=True)[:AT_ONCE])


def _in_time(keys: Iterable[int]) -> Iterator[int]:
    """The rest waits for the next round: Stripe may be slow."""
    until = monotonic() + SECONDS
    for pk in keys:
        if monotonic() > until:
            return
        yield pk


@transaction.atomic
def _give_back(pk: int) -> None:
    payment = Payment.objects.select_related("order").get(pk=pk)
    try:
        Card().refund(payment.order)
    except PaymentError as error:
        logger.error("Order %s: %s", payment.order, error)


def _ask(pk: int) -> None:
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
            settle(payment.order.token, str(session.payment_intent), amount, currency)


def _release(pk: int) -> None:
    """Cancelled: the stock goes back. Not if it was paid at the last moment."""
    order = Order.objects.get(pk=pk)
    try:
        transition(order, Order.State.CANCELLED)
    except TransitionError as error:
        logger.warning("Order %s is not released: %s", order, error)
