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
    """Limits password guesses, and builds the links in account emails from ``SITE_URL``.

    allauth itself would take the links' host from the Host header, which clients can forge.
    """

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a sign-in attempt. Raises ``ValidationError`` if there were too many."""
        if not sign_in_limit.allow_attempt(request, _login(credentials)):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the user with this login (user name or e-mail) and password, or ``None``."""
        user: User | None = super().authenticate(request, **credentials)
        if user:
            sign_in_limit.reset_attempts(request, _login(credentials))
        return user

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Reset the limit of password guesses. allauth calls this after a password reset."""
        sign_in_limit.reset_attempts(request, _login(credentials))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send an account email whose links and site name come from the settings."""
        links = {key: _under_site_url(url) for key, url in context.items() if key.endswith("_url")}
        domain = urlsplit(settings.SITE_URL).netloc
        site = SimpleNamespace(name=settings.SITE_NAME, domain=domain)
        super().send_mail(template_prefix, email, context | links | {"current_site": site})


def _login(credentials: dict[str, Any]) -> str:
    return str(credentials.get("username") or credentials.get("email") or "")


def _under_site_url(url: str) -> str:
    path = urlsplit(url)._replace(scheme="", netloc="").geturl()
    return settings.SITE_URL.rstrip("/") + path
