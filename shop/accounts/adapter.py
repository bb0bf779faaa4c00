from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

from shop.accounts import sign_in_limit


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Limits guesses at passwords, and makes the links of account emails lead to the shop.

    allauth takes links and name from the request's Host header, which anybody can forge.
    """

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt; raise ``ValidationError`` if there were too many."""
        if not sign_in_limit.may_try(request, _login(credentials)):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the user with this user name or e-mail and this password."""
        user: User | None = super().authenticate(request, **credentials)
        if user:
            sign_in_limit.succeeded(request, _login(credentials))
        return user

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Let whoever has just reset the password in; allauth calls this then."""
        sign_in_limit.succeeded(request, _login(credentials))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        links = {key: _under_site_url(url) for key, url in context.items() if key.endswith("_url")}
        domain = urlsplit(settings.SITE_URL).netloc
        site = SimpleNamespace(name=settings.SITE_NAME, domain=domain)
        super().send_mail(template_prefix, email, context | links | {"current_site": site})


def _login(credentials: dict[str, Any]) -> str:
    return str(credentials.get("username") or credentials.get("email") or "")


def _under_site_url(url: str) -> str:
    path = urlsplit(url)._replace(scheme="", netloc="").geturl()
    return settings.SITE_URL.rstrip("/") + path
