"""Send queued emails, and retry those that the mail server has not accepted.

The queue is in PostgreSQL, so that no email is lost if Redis fails or the mail server is down for
hours.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import get_connection
from django.db import transaction
from django.utils import timezone

from shop.mail.models import QueuedEmail, StoredMessage

logger = logging.getLogger(__name__)
ROUND_SECONDS = 60
MAX_WAIT = timedelta(minutes=15)
LIFETIME = timedelta(days=3)
# Reply codes from 500 on are permanent failures (RFC 5321), which a retry would only repeat.
PERMANENT = 500


def send_due() -> int:
    """Send due emails, oldest first, for about a minute; return the number of emails sent.

    A permanently refused email is deleted. Other failures are retried after longer and longer waits
    for up to three days. If the server is unreachable, the round ends, because the other emails
    would fail as well.
    """
    sent, end = 0, time.monotonic() + ROUND_SECONDS
    while time.monotonic() < end and (done := _send_next()) is not None:
        sent += done
    return sent


@transaction.atomic
def _send_next() -> int | None:
    """Try to send one email; return the number sent, or ``None`` if the round is over."""
    due = QueuedEmail.objects.filter(due__lte=timezone.now())
    email = due.select_for_update(skip_locked=True).first()
    if email is None:
        return None
    try:
        get_connection(settings.EMAIL_DELIVERY_BACKEND).send_messages([StoredMessage(email)])
    except (SMTPRecipientsRefused, SMTPDataError) as refusal:
        _retry_later(email, refusal, is_permanent=min(_codes(refusal)) >= PERMANENT)
        return 0
    except OSError as error:  # every other SMTPException is an OSError
        _retry_later(email, error)
        return None
    except Exception as error:
        logger.exception("Email %s cannot be sent", email.pk)
        _retry_later(email, error)
        return 0
    email.delete()
    return 1


def _codes(refusal: SMTPRecipientsRefused | SMTPDataError) -> list[int]:
    if isinstance(refusal, SMTPDataError):
        return [refusal.smtp_code]
    return [code for code, _text in refusal.recipients.values()]


def _retry_later(email: QueuedEmail, error: Exception, *, is_permanent: bool = False) -> None:
    """Schedule the email's next attempt, or delete it if it is refused or too old."""
    if is_permanent or email.created < timezone.now() - LIFETIME:
        logger.error("Email %s is deleted undelivered: %s", email.pk, error)
        email.delete()
        return
    wait = min(timedelta(minutes=2**email.attempts), MAX_WAIT)
    logger.warning("Email %s is retried in %s: %s", email.pk, wait, error)
    email.attempts, email.due, email.problem = email.attempts + 1, timezone.now() + wait, str(error)
    email.save(update_fields=["attempts", "due", "problem"])
