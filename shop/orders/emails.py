"""Mails about an order: one text and one HTML template for each kind."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from shop.mail.outbox import post
from shop.orders.models import Order


def tell(order: Order, kind: str) -> None:
    """Post the mail. ``kind`` is the state that it tells of."""
    with translation.override(order.language):
        post(_mail(order, kind))


def _mail(order: Order, kind: str) -> EmailMultiAlternatives:
    lines = list(order.lines.all())
    link = settings.SITE_URL.rstrip("/") + order.get_absolute_url()
    context = {"order": order, "lines": lines, "link": link, "kind": kind}
    context["site_name"] = settings.SITE_NAME
    subject = render_to_string("shop/orders/mail/subject.txt", context).strip()
    text = render_to_string("shop/orders/mail/body.txt", context)
    mail = EmailMultiAlternatives(subject, text, to=[order.email])
    mail.attach_alternative(render_to_string("shop/orders/mail/body.html", context), "text/html")
    return mail
