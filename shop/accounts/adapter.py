from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from shop.mail.outbox import post


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """No page waits for a mail server: mails are posted like the orders'."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        links = {key: _ours(url) for key, url in context.items() if key.endswith("_url")}
        domain = urlsplit(settings.SITE_URL).netloc
        site = SimpleNamespace(name=settings.SITE_NAME, domain=domain)
        context = {"request": self.request, "email": email, **context, **links}
        post(self.render_mail(template_prefix, email, context | {"current_site": site}))

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/account/"


def _ours(url: str) -> str:
    """Under ``SITE_URL``: allauth takes the host that the request named, whoever sent it."""
    path = urlsplit(url)._replace(scheme="", netloc="").geturl()
    return settings.SITE_URL.rstrip("/") + path
