"""Send emails about an order, with one text and one HTML template for each kind of email."""

from __future__ import annotations

from shop.mail.templated import send_templated
from shop.orders.models import Order

FOLDER = "shop/orders/mail"


def queue_order_email(order: Order, kind: str) -> None:
    """Queue the email that reports ``kind``, a state of the order, in the buyer's language.

    A guest who pays later is instead asked to confirm the new order.
    """
    lines, path = list(order.lines.all()), order.get_absolute_url()
    if kind == Order.State.PLACED and order.confirm_by:
        path, kind = order.confirmation_path(), "confirm"
    send_templated(FOLDER, order.email, order.language, path, order=order, lines=lines, kind=kind)
