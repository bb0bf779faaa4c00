"""Mails to those who wait for something to come back."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from shop.mail.outbox import post
from shop.wishlist.models import StockAlert


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
    with translation.override(alert.language):
        post(_mail(alert))
    alert.delete()
    return True


def _mail(alert: StockAlert) -> EmailMultiAlternatives:
    product = alert.variant.product
    context = {
        "name": str(alert.variant),
        "link": settings.SITE_URL.rstrip("/") + product.get_absolute_url(),
        "site_name": settings.SITE_NAME,
    }
    # A name may have several lines, a subject may not.
    subject = " ".join(render_to_string("shop/wishlist/mail/subject.txt", context).split())
    text = render_to_string("shop/wishlist/mail/body.txt", context)
    mail = EmailMultiAlternatives(subject, text, to=[alert.email])
    mail.attach_alternative(render_to_string("shop/wishlist/mail/body.html", context), "text/html")
    return mail
