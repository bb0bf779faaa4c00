"""Mails to those who wait for something to come back."""

from __future__ import annotations

import logging
from smtplib import SMTPDataError, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from shop.wishlist.models import StockAlert

logger = logging.getLogger(__name__)
# RFC 5321: from here on trying again is of no use.
PERMANENT = 500


def send_stock_alerts() -> int:
    """One mail for each alert whose variant can be bought again. Returns how many.

    Each is deleted in the transaction in which its mail is handed over, or refused for good. One
    that is refused for now waits for the next round, and so do all while no mail server is there:
    then its ``SMTPException`` or ``OSError`` is raised.
    """
    sent, last = 0, 0
    while (done := _send_next(last)) is not None:
        last, is_sent = done
        sent += is_sent
    return sent


@transaction.atomic
def _send_next(last: int) -> tuple[int, bool] | None:
    """The primary key of the first after ``last``, and whether its mail was sent."""
    due = StockAlert.objects.filter(variant__stock__gt=0, variant__product__listed=True)
    due = due.select_related("variant__product").order_by("pk").filter(pk__gt=last)
    alert = due.select_for_update(of=("self",), skip_locked=True).first()
    if alert is None:
        return None
    pk, codes = alert.pk, _send(alert)
    if codes:
        logger.warning("The mail of stock alert %s was refused: %s", pk, codes)
    if all(code >= PERMANENT for code in codes):
        alert.delete()
    return pk, not codes


def _send(alert: StockAlert) -> list[int]:
    """The codes with which the mail server refused this mail; usually none."""
    try:
        with translation.override(alert.language):
            _mail(alert).send()
    except SMTPRecipientsRefused as refusal:
        return [code for code, _text in refusal.recipients.values()]
    except SMTPDataError as refusal:
        return [refusal.smtp_code]
    return []


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
