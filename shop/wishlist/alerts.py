"""Email customers when a variant is back in stock."""

from __future__ import annotations

from django.db import transaction

from shop.mail.templated import send_templated
from shop.wishlist.models import StockAlert

FOLDER = "shop/wishlist/mail"


def send_stock_alerts() -> int:
    """Send one email for each alert whose variant is back in stock; return the number of emails.

    Each alert is deleted in the transaction that queues its email.
    """
    sent = 0
    while _send_next():
        sent += 1
    return sent


@transaction.atomic
def _send_next() -> bool:
    due = StockAlert.objects.filter(variant__stock__gt=0, variant__product__listed=True)
    due = due.select_related("variant__product").order_by("pk")
    alert = due.select_for_update(of=("self",), skip_locked=True).first()
    if alert is None:
        return False
    variant = alert.variant
    path = variant.product.get_absolute_url()
    send_templated(FOLDER, alert.email, alert.language, path, name=str(variant))
    alert.delete()
    return True
