from __future__ import annotations

from django.core.mail import EmailMultiAlternatives
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Mail(models.Model):
    """One that has still to be sent. What was sent is deleted: it may hold anybody's secrets."""

    to = models.EmailField(_("to"))
    subject = models.TextField(_("subject"))
    text = models.TextField()
    html = models.TextField(blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    due = models.DateTimeField(_("next attempt"), default=timezone.now, db_index=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    problem = models.TextField(_("problem"), blank=True)

    class Meta:
        verbose_name = _("mail to be sent")
        verbose_name_plural = _("mails to be sent")
        ordering = ("due", "pk")

    def __str__(self) -> str:
        return f"{self.subject} ({self.to})"

    def message(self) -> EmailMultiAlternatives:
        mail = EmailMultiAlternatives(self.subject, self.text, to=[self.to])
        if self.html:
            mail.attach_alternative(self.html, "text/html")
        return mail
