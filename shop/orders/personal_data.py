"""Export a customer's orders, and attach earlier guest orders to the account."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from shop.accounts.personal_data import verified_emails
from shop.core.emails import email_among
from shop.orders.models import Order

CONTACT = ("email", "name", "street", "postcode", "city", "country", "phone")


def export(user: User, **kwargs: Any) -> dict[str, Any]:
    """Return the user's orders."""
    orders = Order.objects.filter(user=user).prefetch_related("lines", "events").order_by("pk")
    return {"orders": [_as_data(order) for order in orders]}


def _as_data(order: Order) -> dict[str, Any]:
    return {
        "number": order.number,
        "placed": order.placed.isoformat(),
        "state": order.state,
        "contact": {name: getattr(order, name) for name in CONTACT},
        "lines": [
            {"sku": line.sku, "name": line.name, "quantity": line.quantity}
            | {"unit_price": str(line.unit_price)}
            for line in order.lines.all()
        ],
        "voucher": order.voucher_code,
        "discount": str(order.discount),
        "total": f"{order.total} {order.currency}",
        "payment": order.payment,
        "paid": order.paid_at.isoformat() if order.paid_at else None,
        "tracking": order.tracking,
        "history": [
            {"state": event.state, "at": event.at.isoformat()} for event in order.events.all()
        ],
    }


def attach_guest_orders(user: User, **kwargs: Any) -> None:
    """Attach guest orders to the user's account if the user has verified their e-mail address."""
    guests = Order.objects.filter(email_among(verified_emails(user)), user=None)
    guests.update(user=user)


def attach_on_confirmation(email_address: Any, **kwargs: Any) -> None:
    """Attach guest orders with an e-mail address to the user who has just confirmed the address."""
    attach_guest_orders(email_address.user)
