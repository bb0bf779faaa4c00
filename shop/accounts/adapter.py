from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Names the shop in account emails and makes their links lead to it.

    allauth takes both from the request's Host header, which anybody can forge.
    """

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        links = {key: _under_site_url(url) for key, url in context.items() if key.endswith("_url")}
        domain = urlsplit(settings.SITE_URL).netloc
        site = SimpleNamespace(name=settings.SITE_NAME, domain=domain)
        super().send_mail(template_prefix, email, context | links | {"current_site": site})


def _under_site_url(url: str) -> str:
    path = urlsplit(url)._replace(scheme="", netloc="").geturl()
    return settings.SITE_URL.rstrip("/") + path
