from __future__ import annotations

from functools import partial
from smtplib import SMTPException
from typing import Any

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction
from kombu.exceptions import OperationalError


@shared_task(
    autoretry_for=(SMTPException, OSError), retry_backoff=30, retry_kwargs={"max_retries": 8}
)
def send_mail(subject: str, body: str, to: list[str], html: str = "") -> None:
    mail = EmailMultiAlternatives(subject, body, to=to)
    if html:
        mail.attach_alternative(html, "text/html")
    mail.send()


@shared_task(expires=3600)
def clear_sessions() -> None:
    """Those that have expired: Django leaves them where they are."""
    SessionStore.clear_expired()


def send_later(mail: EmailMessage) -> None:
    """Through the queue, once the transaction holds; at once where Redis is away."""
    parts = [str(content) for content, _kind in getattr(mail, "alternatives", [])]
    values = (mail.subject, mail.body, mail.to, parts[0] if parts else "")
    transaction.on_commit(partial(_ring, *values), robust=True)


def _ring(*values: Any) -> None:
    try:
        send_mail.delay(*values)
    except OperationalError:
        send_mail(*values)
