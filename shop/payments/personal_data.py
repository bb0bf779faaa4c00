"""Export a customer's card payments."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from shop.payments.models import Payment


def export(user: User, **kwargs: Any) -> dict[str, Any]:
    """Return the card payments of the user's orders, in the smallest unit of each currency."""
    payments = Payment.objects.filter(order__user=user).select_related("order").order_by("pk")
    return {
        "card_payments": [
            {"order": payment.order.number, "state": payment.state, "amount": payment.amount}
            | {"currency": payment.currency, "intent": payment.intent_id}
            | {"created": payment.created.isoformat()}
            for payment in payments
        ]
    }
