"""Send emails whose subject and bodies are templates."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation


def absolute_url(path: str) -> str:
    """Return the absolute URL of a path of the shop, as needed in emails."""
    return settings.SITE_URL.rstrip("/") + path


def send_templated(folder: str, to: str, language: str, path: str, **context: Any) -> None:
    """Send an email rendered in ``language`` from the templates in ``folder``.

    The templates are ``subject.txt``, ``body.txt`` and ``body.html``. They receive the context and
    ``link``, the absolute URL of ``path``.
    """
    context |= {"link": absolute_url(path), "site_name": settings.SITE_NAME}
    with translation.override(language):
        # Whitespace is joined, because a product's name may have several lines, unlike a subject.
        subject = " ".join(render_to_string(f"{folder}/subject.txt", context).split())
        text = render_to_string(f"{folder}/body.txt", context)
        message = EmailMultiAlternatives(subject, text, to=[to])
        message.attach_alternative(render_to_string(f"{folder}/body.html", context), "text/html")
    message.send()
