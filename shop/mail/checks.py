"""Check that a deployed shop can send e-mails."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error


def check_mail_server(**kwargs: Any) -> list[Error]:
    """Return an error if emails, such as order confirmations, would only be written to files."""
    if settings.EMAIL_HOST:
        return []
    hint = "Set EMAIL_HOST, and EMAIL_HOST_USER and EMAIL_HOST_PASSWORD if the server needs them."
    return [Error("There is no mail server.", hint=hint, id="mail.E001")]
