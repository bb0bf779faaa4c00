"""Mails about an order: one text and one HTML template for each kind."""

from __future__ import annotations

from shop.mail import outbox
from shop.orders.models import Order

FOLDER = "shop/orders/mail"


def tell(order: Order, kind: str) -> None:
    """Post the mail. ``kind`` is the state that it tells of."""
    path, lines = order.get_absolute_url(), list(order.lines.all())
    outbox.write(FOLDER, order.email, order.language, path, order=order, lines=lines, kind=kind)
