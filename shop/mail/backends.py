"""Define the ``EMAIL_BACKEND``, which only stores messages; a Celery task delivers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from email.utils import make_msgid
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.datastructures import CaseInsensitiveMapping

from shop.core.tasks import enqueue
from shop.mail.models import QueuedEmail


class QueueBackend(BaseEmailBackend):
    """Stores each message in the caller's transaction, with one row per recipient.

    If the mail server refuses one recipient, the others get their message without delay and only
    once. ``fail_silently`` does not hide database errors.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        messages = [message for message in email_messages if message.recipients()]
        QueuedEmail.objects.bulk_create(row for message in messages for row in _rows(message))
        enqueue("shop.mail.tasks.send_queued_emails")
        return len(messages)


def _rows(message: EmailMessage) -> Iterator[QueuedEmail]:
    """Build a row for every address in To, Cc and Bcc; all hold the same headers and body."""
    sender, subject, mime = message.from_email, str(message.subject), _mime(message)
    for recipient in message.recipients():
        yield QueuedEmail(to=recipient, from_email=sender, subject=subject, message=mime)


def _mime(message: EmailMessage) -> bytes:
    """Serialise the message, with a Message-ID in the shop's domain if it has none.

    Django would use this machine's name as the domain, and might wait for a DNS server to learn it.
    """
    identifier = make_msgid(domain=urlsplit(settings.SITE_URL).hostname)
    headers = CaseInsensitiveMapping({"Message-ID": identifier} | message.extra_headers)
    message = copy(message)
    message.extra_headers = dict(headers)
    return message.message().as_bytes()
