"""Mails about an order: one text and one HTML template for each kind."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from shop.orders.models import Order


def send_on_commit(order: Order, kind: str) -> None:
    """``kind`` is the state that the mail tells of."""
    from shop.orders.tasks import ring, send_order_mail

    transaction.on_commit(partial(ring, send_order_mail, order.pk, kind), robust=True)


def send(order: Order, kind: str) -> None:
    with translation.override(order.language):
        _mail(order, kind).send()


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
