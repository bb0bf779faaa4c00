"""Limit how often a password may be guessed, by pages, staff's site and API together."""

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

# One address's guesses at one account; reached by no stranger at another address.
PAIR = RateLimitItemPerMinute(5, 5)
# One address's guesses at all accounts.
ADDRESS = RateLimitItemPerMinute(30, 5)
# Guesses at one account from all addresses that have not signed in to it lately.
ACCOUNT = RateLimitItemPerMinute(20, 15)
KNOWN_SECONDS = 30 * 86_400


def may_try(request: HttpRequest, login: str) -> bool:
    """Count an attempt to sign in and return whether its password may be looked at.

    An address from which the account was signed in to within 30 days is not counted by account, so
    that many strangers together cannot lock the customer out.
    """
    address, account = client_network(request), _account(login)
    pair = f"{account}@{address}"
    if not (hit(ADDRESS, "sign-in", address) and hit(PAIR, "sign-in-pair", pair)):
        return False
    return bool(cache.get(_known(pair))) or hit(ACCOUNT, "sign-in-account", account)


def succeeded(request: HttpRequest, login: str) -> None:
    """Forget the attempts at an account whose password is known here."""
    account = _account(login)
    pair = f"{account}@{client_network(request)}"
    reset(PAIR, "sign-in-pair", pair)
    reset(ACCOUNT, "sign-in-account", account)
    cache.set(_known(pair), True, KNOWN_SECONDS)


def seconds_to_wait(request: HttpRequest, login: str) -> int:
    """Return after how many seconds another attempt to sign in may be let through."""
    address, account = client_network(request), _account(login)
    counters: list[tuple[Any, str, str]] = [
        (ADDRESS, "sign-in", address),
        (PAIR, "sign-in-pair", f"{account}@{address}"),
        (ACCOUNT, "sign-in-account", account),
    ]
    return max(wait_seconds(*counter) for counter in counters)


def _account(login: str) -> str:
    """Return one name for the account, whether it is called by its user name or an e-mail."""
    by_name = User.objects.filter(username=login).values_list("pk", flat=True)
    found = [*by_name, *(user.pk for user in filter_users_by_email(login))]
    if found:
        return str(min(found))
    # Keys of the cache have no spaces and are short.
    return hashlib.sha256(ascii_lower(login).encode()).hexdigest()


def _known(pair: str) -> str:
    return f"signed-in:{pair}"
