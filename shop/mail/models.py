from __future__ import annotations

from email import message_from_bytes
from email.message import Message
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.message import MIMEMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class QueuedEmail(models.Model):
    """Holds a message for one recipient until it is sent; then the row is deleted.

    The row is not kept, because a message may hold a secret, such as a link that resets a password.
    """

    to = models.TextField(_("recipient"))
    from_email = models.TextField()
    subject = models.TextField(_("subject"))
    message = models.BinaryField()  # in the MIME format in which it is sent
    created = models.DateTimeField(_("created"), auto_now_add=True)
    due = models.DateTimeField(_("next attempt"), default=timezone.now, db_index=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    problem = models.TextField(_("problem"), blank=True)

    class Meta:
        db_table = "mail_mail"
        verbose_name = _("outgoing email")
        verbose_name_plural = _("outgoing emails")
        ordering = ("due", "pk")

    def __str__(self) -> str:
        return f"{self.subject} ({self.to})"


class StoredMessage(EmailMessage):
    """Wraps a queued message so that an email backend sends it unchanged to its recipient.

    Works with backends that send what ``message()`` returns, as all of Django's do.
    """

    def __init__(self, queued: QueuedEmail) -> None:
        super().__init__(queued.subject, from_email=queued.from_email, to=[queued.to])
        self._mime = bytes(queued.message)

    def message(self, *, policy: object = None) -> Any:
        return message_from_bytes(self._mime, _class=_ParsedMessage)


# Uses ``MIMEMixin``, as Django's SafeMIMEText does, because as_bytes of the standard library has
# other parameters.
class _ParsedMessage(MIMEMixin, Message):  # type: ignore[misc]
    """Provides the ``as_bytes(linesep=...)`` that Django's SMTP backend calls."""
