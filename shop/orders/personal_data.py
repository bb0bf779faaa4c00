"""A customer's orders, for the customer."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User

from shop.orders.models import Order

CONTACT = ("email", "name", "street", "postcode", "city", "country", "phone")


def export(user: User, **kwargs: Any) -> dict[str, Any]:
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
        "total": f"{order.total} {order.currency}",
        "history": [
            {"state": event.state, "at": event.at.isoformat()} for event in order.events.all()
        ],
    }


def claim(email_address: Any, **kwargs: Any) -> None:
    """Who has proved that an address is theirs gets the orders placed with it as a guest."""
    guest = Order.objects.filter(user=None, email__iexact=email_address.email)
    guest.update(user=email_address.user)


def claim_all(user: User, **kwargs: Any) -> None:
    """What was ordered signed out since the address was confirmed."""
    for address in EmailAddress.objects.filter(user=user, verified=True):
        claim(address)
