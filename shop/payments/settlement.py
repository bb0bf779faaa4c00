"""What Stripe says, brought into our books: at once by webhook, or later by asking."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import stripe
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shop.orders.models import Order
from shop.orders.payment import PaymentError
from shop.orders.states import MoveError, move
from shop.payments.card import Card, client
from shop.payments.models import Payment, WebhookEvent

logger = logging.getLogger(__name__)
STATE = Payment.State
ASK_AFTER = timedelta(minutes=2)
REMEMBER_EVENTS = timedelta(days=30)
AT_ONCE = 100


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


def settle(order_id: object, intent: str, amount: int, currency: str) -> None:
    """The money is there. Whatever came before or comes again after changes nothing."""
    payment = _locked(order_id)
    if payment is None or payment.state not in (STATE.PENDING, STATE.FAILED):
        return
    if (amount, currency.upper()) != (payment.amount, payment.currency):
        payment.problem = f"Paid {amount} {currency} instead; see {intent} at Stripe."
        logger.error("Order %s: %s", payment.order, payment.problem)
        payment.save(update_fields=["problem", "updated"])
        return
    payment.state, payment.intent_id, payment.problem = STATE.PAID, intent, ""
    if payment.order.state == Order.State.PLACED:
        payment.save()
        move(payment.order, Order.State.PAID)
        return
    # It was cancelled meanwhile.
    payment.state = STATE.REFUND_DUE
    payment.save()
    logger.warning("Order %s was paid after its end; the money goes back.", payment.order)
    transaction.on_commit(partial(_ring_refunds), robust=True)


def _ring_refunds() -> None:
    from shop.orders.tasks import ring
    from shop.payments.tasks import look_after_payments

    ring(look_after_payments)


def _locked(order_id: object) -> Payment | None:
    """The order's row is locked first, here and everywhere."""
    number = int(str(order_id)) if str(order_id).isdecimal() and len(str(order_id)) < 19 else 0
    order = Order.objects.select_for_update().filter(pk=number).first()
    payment = Payment.objects.select_for_update().filter(order=order).first() if order else None
    if payment is None:
        logger.error("Stripe names an order that is not ours: %r", order_id)
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
    payment.state, payment.intent_id = STATE.REFUNDED, charge["payment_intent"]
    payment.save()
    try:
        move(payment.order, Order.State.REFUNDED)
    except MoveError as error:
        logger.warning("Refunded at Stripe, but: %s", error)


HANDLERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "checkout.session.completed": _session_completed,
    "payment_intent.succeeded": _intent_succeeded,
    "payment_intent.payment_failed": _intent_failed,
    "charge.refunded": _charge_refunded,
}


def look_after_payments() -> None:
    """Ask about what no webhook told, give back what came too late, release what nobody paid."""
    WebhookEvent.objects.filter(received__lt=timezone.now() - REMEMBER_EVENTS).delete()
    for pk in _keys(Payment.objects.filter(state=STATE.REFUND_DUE)):
        _give_back(pk)
    open_ones = Payment.objects.filter(state__in=(STATE.PENDING, STATE.FAILED))
    waiting = open_ones.filter(order__state=Order.State.PLACED)
    for pk in _keys(waiting.exclude(session_id="").filter(updated__lt=timezone.now() - ASK_AFTER)):
        _ask(pk)
    limit = timezone.now() - timedelta(minutes=settings.PAYMENT_TIMEOUT_MINUTES)
    cards = Order.objects.filter(payment=Card.code, state=Order.State.PLACED, placed__lt=limit)
    for order in cards.order_by("pk")[:AT_ONCE]:
        _release(order)


def _keys(payments: Any) -> list[int]:
    return list(payments.order_by("updated").values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _give_back(pk: int) -> None:
    payment = Payment.objects.select_related("order").get(pk=pk)
    try:
        Card().refund(payment.order)
    except PaymentError as error:
        logger.error("Order %s: %s", payment.order, error)


def _ask(pk: int) -> None:
    payment = Payment.objects.get(pk=pk)
    try:
        session = client().v1.checkout.sessions.retrieve(payment.session_id)
    except stripe.StripeError:
        logger.exception("Stripe did not answer about order %s", payment.order_id)
        return
    Payment.objects.filter(pk=pk).update(updated=timezone.now())
    if session.payment_status == "paid":
        with transaction.atomic():
            amount, currency = session.amount_total or 0, session.currency or ""
            settle(payment.order_id, str(session.payment_intent), amount, currency)


def _release(order: Order) -> None:
    """Cancelled: the stock goes back. Not if it was paid at the last moment."""
    try:
        move(order, Order.State.CANCELLED)
    except MoveError as error:
        logger.warning("Order %s is not released: %s", order, error)
