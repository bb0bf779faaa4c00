"""Limit password guesses, counted for the pages, the admin and the API together."""

from __future__ import annotations

import hashlib
from typing import Any

from allauth.account.utils import filter_users_by_email
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest
from limits import RateLimitItemPerMinute

from shop.core.emails import ascii_lower
from shop.core.rate_limit import client_network, hit, reset, wait_seconds

# Guesses from one client address at one account. Strangers elsewhere cannot use up this limit.
PAIR_LIMIT = RateLimitItemPerMinute(5, 5)
# Guesses from one client address at all accounts.
ADDRESS_LIMIT = RateLimitItemPerMinute(30, 5)
# Guesses at one account from all client addresses that have not signed in to it lately.
ACCOUNT_LIMIT = RateLimitItemPerMinute(20, 15)
KNOWN_SECONDS = 30 * 86_400


def allow_attempt(request: HttpRequest, login: str) -> bool:
    """Count a sign-in attempt and return whether it is within the limits.

    The limit per account does not apply to client addresses that signed in to it within 30 days,
    so that many strangers together cannot lock the customer out.
    """
    address, account = client_network(request), _account(login)
    pair = f"{account}@{address}"
    if not (hit(ADDRESS_LIMIT, "sign-in", address) and hit(PAIR_LIMIT, "sign-in-pair", pair)):
        return False
    return bool(cache.get(_known(pair))) or hit(ACCOUNT_LIMIT, "sign-in-account", account)


def reset_attempts(request: HttpRequest, login: str) -> None:
    """Reset the limits after a successful sign-in, and remember the client's address as known."""
    account = _account(login)
    pair = f"{account}@{client_network(request)}"
    reset(PAIR_LIMIT, "sign-in-pair", pair)
    reset(ACCOUNT_LIMIT, "sign-in-account", account)
    cache.set(_known(pair), True, KNOWN_SECONDS)


def retry_after(request: HttpRequest, login: str) -> int:
    """Return the seconds after which another sign-in attempt may be allowed."""
    address, account = client_network(request), _account(login)
    counters: list[tuple[Any, str, str]] = [
        (ADDRESS_LIMIT, "sign-in", address),
        (PAIR_LIMIT, "sign-in-pair", f"{account}@{address}"),
        (ACCOUNT_LIMIT, "sign-in-account", account),
    ]
    return max(wait_seconds(*counter) for counter in counters)


def _account(login: str) -> str:
    """Return the same key for an account, whether the login is its user name or an e-mail."""
    by_name = User.objects.filter(username=login).values_list("pk", flat=True)
    found = [*by_name, *(user.pk for user in filter_users_by_email(login))]
    if found:
        return str(min(found))
    # The login is hashed, because cache keys must be short and without spaces.
    return hashlib.sha256(ascii_lower(login).encode()).hexdigest()


def _known(pair: str) -> str:
    return f"signed-in:{pair}"
