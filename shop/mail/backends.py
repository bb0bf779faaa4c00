"""The project's ``EMAIL_BACKEND``: it stores messages, and a Celery task delivers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from email.utils import getaddresses, make_msgid
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from shop.core.tasks import enqueue
from shop.mail.models import QueuedEmail


class QueueBackend(BaseEmailBackend):
    """Store each message in the caller's transaction, one row per recipient.

    A recipient whom the server refuses then neither delays the others nor makes them receive the
    message twice. ``fail_silently`` does not hide database errors.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        messages = [message for message in email_messages if message.recipients()]
        rows = [row for message in messages for row in _rows(message)]
        QueuedEmail.objects.bulk_create(rows)
        enqueue("shop.mail.tasks.send_queued_emails")
        return len(messages)


def _rows(message: EmailMessage) -> Iterator[QueuedEmail]:
    """Build a row for every address in To, Cc and Bcc; all hold the same headers and body."""
    mime = _with_message_id(message).message().as_bytes()
    subject, sender = str(message.subject), message.from_email
    for recipient in message.recipients():
        to = _address(recipient)
        yield QueuedEmail(to=to, from_email=sender, subject=subject, message=mime)


def _address(recipient: str) -> str:
    """Return the address without the name; raise ``ValueError`` unless there is exactly one."""
    addresses = [address for _name, address in getaddresses([recipient])]
    if len(addresses) != 1 or not addresses[0]:
        raise ValueError(f"Invalid address: {recipient!r}")
    return addresses[0]


def _with_message_id(message: EmailMessage) -> EmailMessage:
    """Return the message, or a copy that has a Message-ID in the shop's domain.

    Django would take the name of this machine and may wait for a DNS server to learn it.
    """
    if "message-id" in map(str.lower, message.extra_headers):
        return message
    named = copy(message)
    identifier = make_msgid(domain=urlsplit(settings.SITE_URL).hostname)
    named.extra_headers = {**message.extra_headers, "Message-ID": identifier}
    return named
