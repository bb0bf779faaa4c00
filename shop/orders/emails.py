"""Emails about an order: one text and one HTML template for each kind."""

from __future__ import annotations

from shop.mail.templated import send_templated
from shop.orders.models import Order

FOLDER = "shop/orders/mail"


def queue_order_email(order: Order, kind: str) -> None:
    """Tell the buyer in the order's language; ``kind`` is the state that the email reports."""
    path, lines = order.get_absolute_url(), list(order.lines.all())
    send_templated(FOLDER, order.email, order.language, path, order=order, lines=lines, kind=kind)
