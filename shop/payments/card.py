"""Cards by Stripe Checkout: the buyer pays on Stripe's page, and no card number comes here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import stripe
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.orders.models import Order
from shop.orders.payment import PaymentError
from shop.payments.models import Payment

# https://docs.stripe.com/currencies#zero-decimal
WITHOUT_CENTS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
STATE = Payment.State


@cache
def _client(key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": base}, max_network_retries=1)


def client() -> stripe.StripeClient:
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def smallest_unit(amount: Decimal, currency: str) -> int:
    return int(amount if currency in WITHOUT_CENTS else amount * 100)


class Card:
    code = "card"
    label = gettext_lazy("Card, Apple Pay or Google Pay")
    pays_first = True

    def start(self, order: Order) -> str | None:
        payment = self._payment(order)
        if payment.session_expires and payment.session_expires > timezone.now():
            return payment.session_url
        # A new key for each session, the same one for a repeated call.
        options = {"idempotency_key": f"order-{order.token}-{payment.attempts + 1}"}
        try:
            session = client().v1.checkout.sessions.create(_session(order, payment), options)  # type: ignore[arg-type]
        except stripe.StripeError as error:
            raise PaymentError(
                _("The payment could not be started. Your order is kept; try again in a minute.")
            ) from error
        payment.attempts += 1
        payment.session_id, payment.session_url = session.id, session.url or ""
        payment.session_expires = datetime.fromtimestamp(session.expires_at, UTC)
        payment.save()
        return payment.session_url

    def cancel(self, order: Order) -> None:
        payment = Payment.objects.filter(order=order).first()
        if payment is None or not payment.session_id:
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
            raise PaymentError(_("Stripe did not answer: %s") % _words(error)) from error

    def refund(self, order: Order) -> None:
        payment = Payment.objects.select_for_update().filter(order=order).first()
        if payment is None or payment.state not in (STATE.PAID, STATE.REFUND_DUE, STATE.REFUNDED):
            raise PaymentError(_("There is no payment that could be given back."))
        if payment.state == STATE.REFUNDED:
            return
        params: Any = {"payment_intent": payment.intent_id}
        options: Any = {"idempotency_key": f"refund-{order.token}"}
        try:
            client().v1.refunds.create(params, options)
        except stripe.StripeError as error:
            raise PaymentError(_("Stripe refused the refund: %s") % _words(error)) from error
        payment.state = STATE.REFUNDED
        payment.save(update_fields=["state", "updated"])

    def _payment(self, order: Order) -> Payment:
        values = {
            "amount": smallest_unit(order.total, order.currency),
            "currency": order.currency,
        }
        return Payment.objects.get_or_create(order=order, defaults=values)[0]


def _words(error: stripe.StripeError) -> str:
    return error.user_message or str(error)


def _session(order: Order, payment: Payment) -> dict[str, Any]:
    page = settings.SITE_URL.rstrip("/") + order.get_absolute_url()
    until = timezone.now() + timedelta(minutes=settings.PAYMENT_TIMEOUT_MINUTES)
    item = {
        "currency": payment.currency.lower(),
        "unit_amount": payment.amount,
        "product_data": {"name": _("Order %s") % order.number},
    }
    return {
        "mode": "payment",
        # Only what is decided at once: an order does not wait for days.
        "payment_method_types": ["card"],
        "line_items": [{"price_data": item, "quantity": 1}],
        "client_reference_id": str(order.pk),
        "payment_intent_data": {"metadata": {"order": str(order.pk)}},
        "metadata": {"order": str(order.pk)},
        "customer_email": order.email,
        "success_url": f"{page}?back=1",
        "cancel_url": page,
        "expires_at": int(until.timestamp()),
    }
