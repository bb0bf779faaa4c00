"""Export what the shop stores about a customer."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User

from shop.accounts.models import Address, ApiToken
from shop.accounts.signals import personal_data


def verified_emails(user: User) -> list[str]:
    """Return the e-mail addresses that the user has verified.

    ``User.email`` is not enough, because staff may have typed it.
    """
    addresses = EmailAddress.objects.filter(user=user, verified=True)
    return list(addresses.values_list("email", flat=True))


def export(user: User) -> dict[str, Any]:
    """Return the user's data for JSON, with what receivers of ``personal_data`` add to it."""
    data: dict[str, Any] = {
        "account": {
            "email": user.email,
            "name": user.get_full_name(),
            "joined": user.date_joined.isoformat(),
            "last_login": user.last_login.isoformat() if user.last_login else None,
        },
        "addresses": [address.contact() for address in Address.objects.filter(user=user)],
        "api_tokens": list(
            ApiToken.objects.filter(user=user).values("scope", "created", "last_used", "expires")
        ),
    }
    for _receiver, part in personal_data.send(sender=None, user=user):
        data.update(part)  # type: ignore[arg-type]
    return data
