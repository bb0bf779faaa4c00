"""Signed events in the shapes that https://docs.stripe.com/api/events describes."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

from django.test import Client

from shop.orders.models import Order

SECRET = "whsec_test"
WEBHOOK = "/payments/stripe/webhook/"
TOTAL = 2495  # 20.00 and 4.95 of shipping


def event(kind: str, content: dict[str, Any], number: str = "evt_1") -> dict[str, Any]:
    return {
        "id": number,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": content},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "req_1", "idempotency_key": None},
        "type": kind,
    }


def intent(token: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": TOTAL,
        "amount_received": TOTAL,
        "currency": "eur",
        "last_payment_error": None,
        "latest_charge": "ch_1",
        "metadata": {"order": token},
        "status": "succeeded",
    } | changes


def succeeded(order: Order, number: str = "evt_1", **changes: Any) -> dict[str, Any]:
    return event("payment_intent.succeeded", intent(order.token, **changes), number)


def failed(order: Order, number: str = "evt_2") -> dict[str, Any]:
    error = {"code": "card_declined", "message": "Your card was declined.", "type": "card_error"}
    changes = {
        "amount_received": 0,
        "status": "requires_payment_method",
        "last_payment_error": error,
    }
    return event("payment_intent.payment_failed", intent(order.token, **changes), number)


def refunded(
    order: Order, amount: int = TOTAL, number: str = "evt_9", payment_intent: str = "pi_1"
) -> dict[str, Any]:
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": TOTAL,
        "amount_refunded": amount,
        "currency": "eur",
        "metadata": {"order": order.token},
        "payment_intent": payment_intent,
        "refunded": amount == TOTAL,
    }
    return event("charge.refunded", charge, number)


def signature(payload: bytes, secret: str = SECRET, at: int | None = None) -> str:
    """Return a signature as https://docs.stripe.com/webhooks describes it."""
    at = int(time.time()) if at is None else at
    signed = f"{at}.".encode() + payload
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def post(client: Client, payload: bytes, header: str) -> int:
    response = client.post(
        WEBHOOK, payload, content_type="application/json", headers={"Stripe-Signature": header}
    )
    return response.status_code


def send(client: Client, what: dict[str, Any]) -> int:
    payload = json.dumps(what).encode()
    return post(client, payload, signature(payload))
