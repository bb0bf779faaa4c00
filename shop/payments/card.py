"""Take card payments on the page of Stripe Checkout, so that the shop gets no card numbers."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import stripe
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.orders.models import Order
from shop.orders.payment import PaymentError
from shop.orders.states import transition
from shop.payments.models import Payment

logger = logging.getLogger(__name__)
# Currencies without decimals, and with three; see https://docs.stripe.com/currencies#zero-decimal
# and #three-decimal.
ZERO_DECIMAL = frozenset(
    (
        *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"),
        *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
    )
)
THREE_DECIMAL = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
STATE = Payment.State
# In these states the buyer can still pay.
OPEN = (STATE.PENDING, STATE.FAILED)
# The timeout is short, because the order's row is locked meanwhile and the library tries twice.
REQUEST_SECONDS = 10


@cache
def _client(key: str, base: str) -> stripe.StripeClient:
    http = stripe.RequestsClient(timeout=REQUEST_SECONDS)
    addresses: Any = {"api": base}
    return stripe.StripeClient(
        key, base_addresses=addresses, max_network_retries=1, http_client=http
    )


def client() -> stripe.StripeClient:
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def minor_units(amount: Decimal, currency: str) -> int:
    """Return the amount in the currency's smallest unit, as Stripe expects it."""
    if currency in THREE_DECIMAL:
        return int(amount * 1000)
    return int(amount if currency in ZERO_DECIMAL else amount * 100)


class Card:
    """Takes card payments through Stripe Checkout."""

    code = "card"
    label = gettext_lazy("Card, Apple Pay or Google Pay")
    is_prepaid = True

    @transaction.atomic
    def start(self, order: Order) -> str | None:
        """Return the URL of Stripe's page; simultaneous calls for an order get the same one."""
        order = Order.objects.select_for_update().get(pk=order.pk)
        if order.state != Order.State.PLACED:
            raise PaymentError(_("There is nothing to pay."))
        if not order.total:
            transition(order, Order.State.PAID)
            return None
        payment = self._payment(order)
        if payment.session_expires and payment.session_expires > timezone.now():
            return payment.session_url
        session = _create_session(order, payment)
        payment.session_id, payment.session_url = session.id, session.url or ""
        payment.session_expires = datetime.fromtimestamp(session.expires_at, UTC)
        payment.state = STATE.PENDING
        payment.save()
        return payment.session_url

    def verify_paid(self, order: Order) -> None:
        """Ask Stripe about a payment that no webhook has reported, and record it.

        Staff mark orders as paid while webhooks fail. Without a record of its payment the order
        could not be refunded.
        """
        if not order.total:
            return
        payment = Payment.objects.select_for_update().filter(order=order).first()
        if payment is not None and payment.state == STATE.PAID:
            return
        if payment is None or payment.state not in OPEN or not payment.session_id:
            raise PaymentError(_("Stripe has not received the payment."))
        try:
            session = client().v1.checkout.sessions.retrieve(payment.session_id)
        except stripe.StripeError as error:
            raise _unanswered(error) from error
        amount = (session.amount_total, (session.currency or "").upper())
        if session.payment_status != "paid" or amount != (payment.amount, payment.currency):
            raise PaymentError(_("Stripe has not received the payment."))
        payment.state, payment.intent_id = STATE.PAID, str(session.payment_intent)
        payment.problem = ""
        payment.save()

    def cancel(self, order: Order) -> None:
        payment = Payment.objects.filter(order=order).first()
        if payment is None or not payment.session_id or payment.state == STATE.REFUNDED:
            return
        if payment.state in (STATE.PAID, STATE.REFUND_DUE):
            raise PaymentError(_("It has been paid. Refund it instead."))
        try:
            session = client().v1.checkout.sessions.retrieve(payment.session_id)
            if session.payment_status == "paid":
                raise PaymentError(_("It has just been paid. Refund it instead."))
            if session.status == "open":
                client().v1.checkout.sessions.expire(payment.session_id)
        except stripe.StripeError as error:
            raise _unanswered(error) from error

    def refund(self, order: Order) -> None:
        if not order.total:
            return
        payment = Payment.objects.select_for_update().filter(order=order).first()
        if payment is None or payment.state not in (STATE.PAID, STATE.REFUND_DUE, STATE.REFUNDED):
            raise PaymentError(_("There is no payment to refund."))
        if payment.state == STATE.REFUNDED:
            return
        _refund(payment)
        payment.state = STATE.REFUNDED
        payment.save(update_fields=["state", "updated"])

    def _payment(self, order: Order) -> Payment:
        values = {
            "amount": minor_units(order.total, order.currency),
            "currency": order.currency,
        }
        return Payment.objects.get_or_create(order=order, defaults=values)[0]


def _refund(payment: Payment) -> None:
    """Refund a payment. Repeated calls are harmless, because Stripe refunds a payment only once.

    Stripe's library creates an idempotency key for each call and uses it again for retries. With a
    fixed key for each payment, Stripe would repeat its first refusal for a day.
    """
    params: Any = {"payment_intent": payment.intent_id}
    try:
        refund = client().v1.refunds.create(params)
    except stripe.StripeError as error:
        if error.code == "charge_already_refunded":
            return
        raise PaymentError(_("Stripe refused the refund: %s") % _message(error)) from error
    if refund.status in ("failed", "canceled"):
        raise PaymentError(_("Stripe refused the refund: %s") % (refund.failure_reason or ""))


def _unanswered(error: stripe.StripeError) -> PaymentError:
    return PaymentError(_("Stripe did not answer: %s") % _message(error))


def _message(error: stripe.StripeError) -> str:
    return error.user_message or str(error)


def _create_session(order: Order, payment: Payment) -> Any:
    """Create a Checkout session. One whose response is lost is harmless: nobody has its URL."""
    try:
        return client().v1.checkout.sessions.create(_session_params(order, payment))  # type: ignore[arg-type]
    except stripe.InvalidRequestError as error:
        logger.exception("Stripe does not take order %s", order)
        if error.code in ("amount_too_small", "amount_too_large"):
            text = _("This amount can’t be paid by card. Cancel the order to pay another way.")
        else:
            text = _("This order can’t be paid by card. Cancel it to pay another way.")
        raise PaymentError(text) from error
    except stripe.StripeError as error:
        logger.exception("The payment of order %s could not be started", order)
        text = _("We couldn’t start the payment. Your order is saved; try again in a minute.")
        raise PaymentError(text) from error


def _session_params(order: Order, payment: Payment) -> dict[str, Any]:
    page = settings.SITE_URL.rstrip("/") + order.get_absolute_url()
    until = timezone.now() + timedelta(minutes=settings.PAYMENT_TIMEOUT_MINUTES)
    item = {
        "currency": payment.currency.lower(),
        "unit_amount": payment.amount,
        "product_data": {"name": _("Order %s") % order.number},
    }
    # The reference is the order's token, because order numbers are not unique if two shops share a
    # Stripe account.
    return {
        "mode": "payment",
        # Only methods that settle at once are allowed, because an order does not wait for days.
        "payment_method_types": ["card"],
        "line_items": [{"price_data": item, "quantity": 1}],
        "client_reference_id": order.token,
        "payment_intent_data": {
            "description": _("Order %s") % order.number,
            "metadata": {"order": order.token},
        },
        "metadata": {"order": order.token},
        "customer_email": order.email,
        "success_url": f"{page}?back=1",
        "cancel_url": page,
        "expires_at": int(until.timestamp()),
    }
