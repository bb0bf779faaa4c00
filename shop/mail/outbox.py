"""Mails are written with what they tell of, in its transaction, and sent when that holds.

PostgreSQL is the to-do list: neither Redis nor a mail server that is away for hours loses one.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation

from shop.core.tasks import enqueue
from shop.mail.models import Mail

logger = logging.getLogger(__name__)
ROUND_SECONDS = 60
LONGEST_WAIT = timedelta(minutes=15)
LIFETIME = timedelta(days=3)
# RFC 5321: from here on trying again is of no use.
PERMANENT = 500


def post(mail: EmailMessage) -> None:
    """To one person or several, each of whom gets a mail of their own."""
    html = next((str(content) for content, _kind in getattr(mail, "alternatives", [])), "")
    parts = {"subject": str(mail.subject), "text": str(mail.body), "html": html}
    Mail.objects.bulk_create(Mail(to=address, **parts) for address in mail.to)
    enqueue("shop.mail.tasks.send_mails")


def write(folder: str, to: str, language: str, path: str, **context: Any) -> None:
    """Post what the templates in ``folder`` say; ``link`` leads to ``path`` in the shop."""
    context |= {"link": settings.SITE_URL.rstrip("/") + path, "site_name": settings.SITE_NAME}
    with translation.override(language):
        # A name may have several lines, a subject may not.
        subject = " ".join(render_to_string(f"{folder}/subject.txt", context).split())
        text = render_to_string(f"{folder}/body.txt", context)
        mail = EmailMultiAlternatives(subject, text, to=[to])
        mail.attach_alternative(render_to_string(f"{folder}/body.html", context), "text/html")
    post(mail)


def send_due() -> int:
    """The oldest first, for about a minute. Returns how many were sent.

    One that is refused for good is forgotten; otherwise it waits, longer each time, for up to three
    days. While no server takes any, the round ends: the others would wait for it as well.
    """
    sent, end = 0, time.monotonic() + ROUND_SECONDS
    while time.monotonic() < end and (done := _send_next()) is not None:
        sent += done
    return sent


@transaction.atomic
def _send_next() -> int | None:
    """How many were sent; ``None`` when the round is over."""
    due = Mail.objects.filter(due__lte=timezone.now())
    mail = due.select_for_update(skip_locked=True).first()
    if mail is None:
        return None
    try:
        mail.message().send()
    except (SMTPRecipientsRefused, SMTPDataError) as refusal:
        _keep(mail, refusal, is_hopeless=min(_codes(refusal)) >= PERMANENT)
        return 0
    except OSError as error:  # ``SMTPException`` is one
        _keep(mail, error)
        return None
    except Exception as error:
        logger.exception("Mail %s cannot be written", mail.pk)
        _keep(mail, error)
        return 0
    mail.delete()
    return 1


def _codes(refusal: SMTPRecipientsRefused | SMTPDataError) -> list[int]:
    if isinstance(refusal, SMTPDataError):
        return [refusal.smtp_code]
    return [code for code, _text in refusal.recipients.values()]


def _keep(mail: Mail, error: Exception, *, is_hopeless: bool = False) -> None:
    """For another attempt, if there is hope."""
    if is_hopeless or mail.created < timezone.now() - LIFETIME:
        logger.error("Mail %s is given up: %s", mail.pk, error)
        mail.delete()
        return
    wait = min(timedelta(minutes=2**mail.attempts), LONGEST_WAIT)
    logger.warning("Mail %s waits for %s: %s", mail.pk, wait, error)
    mail.attempts, mail.due, mail.problem = mail.attempts + 1, timezone.now() + wait, str(error)
    mail.save(update_fields=["attempts", "due", "problem"])
