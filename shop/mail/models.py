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

    A message may hold a secret, such as a link that resets a password.
    """

    to = models.TextField(_("recipient"))
    from_email = models.TextField()
    subject = models.TextField(_("subject"))
    message = models.BinaryField()  # MIME, as it is sent
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
    """Lets an email backend send a queued message unchanged, to its one recipient.

    Made for backends that send ``message()``, as all of Django's do.
    """

    def __init__(self, queued: QueuedEmail) -> None:
        super().__init__(queued.subject, from_email=queued.from_email, to=[queued.to])
        self._mime = bytes(queued.message)

    def message(self, *, policy: object = None) -> Any:
        return message_from_bytes(self._mime, _class=_ParsedMessage)


# Like Django's own SafeMIMEText, whose as_bytes has other parameters than the standard library's.
class _ParsedMessage(MIMEMixin, Message):  # type: ignore[misc]
    """Has the ``as_bytes(linesep=...)`` that Django's SMTP backend calls."""
