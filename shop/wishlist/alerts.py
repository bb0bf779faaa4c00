"""Mails to those who wait for something to come back."""

from __future__ import annotations

from django.db import transaction

from shop.mail import outbox
from shop.wishlist.models import StockAlert

FOLDER = "shop/wishlist/mail"


def send_stock_alerts() -> int:
    """One mail for each alert whose variant can be bought again. Returns how many.

    Each is deleted in the transaction in which its mail is posted.
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
    outbox.write(FOLDER, alert.email, alert.language, path, name=str(variant))
    alert.delete()
    return True
