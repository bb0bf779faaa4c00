from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Mails go through the queue like the orders' do, so that no page waits for a mail server."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        from shop.accounts.tasks import send_later

        context = {"request": self.request, "email": email, **context}
        send_later(self.render_mail(template_prefix, email, context))

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/account/"
