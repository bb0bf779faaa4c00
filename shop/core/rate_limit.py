"""Limit how often one client address, account, e-mail or session may do something.

The counters are in Redis. Each call counts and checks in one step of Redis, so that simultaneous
calls cannot pass a limit together.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from functools import cache
from math import ceil
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from limits import RateLimitItem, RateLimitItemPerHour
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import RedisError

# A Redis that accepts but never answers is asked once and then left alone for so long.
TIMEOUT_SECONDS, PAUSE_SECONDS = 1, 5
T = TypeVar("T")


@cache
def _limiter() -> SlidingWindowCounterRateLimiter:
    uri = settings.REDIS_URL.replace("unix://", "redis+unix://", 1)
    timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    storage = RedisStorage(uri, key_prefix="limits", **timeouts)  # type: ignore[arg-type]
    return SlidingWindowCounterRateLimiter(storage)


class _Pause:
    until = 0.0


def _ask(question: Callable[[SlidingWindowCounterRateLimiter], T], without_redis: T) -> T:
    """Return Redis's answer, or ``without_redis`` while it is away.

    Everybody is let in then, because an open shop matters more than the limits.
    """
    if time.monotonic() < _Pause.until:
        return without_redis
    try:
        return question(_limiter())
    except RedisError:
        _Pause.until = time.monotonic() + PAUSE_SECONDS
        return without_redis


def client_address(request: HttpRequest) -> str:
    """Return the visitor's address as the outermost of our own ``PROXIES`` saw it."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if settings.PROXIES and len(forwarded) >= settings.PROXIES:
        address = str(forwarded[-settings.PROXIES]).strip()
        if address:
            return address
    return str(request.META.get("REMOTE_ADDR", ""))


def client_network(request: HttpRequest) -> str:
    """Return what limits count by: an IPv4 address, or the /64 that one IPv6 customer has."""
    text = client_address(request)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return text


def hit(limit: RateLimitItem, subject: str, key: str) -> bool:
    """Count one more for the key and return whether it is within the limit."""
    return _ask(lambda limiter: limiter.hit(limit, subject, key), True)


def reset(limit: RateLimitItem, subject: str, key: str) -> None:
    """Start the key's count again at zero."""
    _ask(lambda limiter: limiter.clear(limit, subject, key), None)


def wait_seconds(limit: RateLimitItem, subject: str, key: str) -> int:
    """Return after how many seconds the key may try again, at least one."""
    free = _ask(lambda limiter: limiter.get_window_stats(limit, subject, key).reset_time, 0.0)
    return max(1, round(free - time.time()))


def allows(request: HttpRequest, subject: str, per_hour: int) -> bool:
    """Count the request and return whether it is within the limit of its client's address."""
    return allows_key(client_network(request), subject, per_hour)


def too_many_requests(
    request: HttpRequest, subject: str, per_hour: int, *others: tuple[str, str]
) -> HttpResponse:
    """Answer 429 and say when to try again.

    ``others`` are (key, subject) pairs with the same limit that may have refused the request.
    """
    keys = [(client_network(request), subject), *others]
    limit = RateLimitItemPerHour(per_hour)
    minutes = ceil(max(wait_seconds(limit, name, key) for key, name in keys) / 60)
    response = render(request, "429.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(minutes * 60)
    return response


def allows_key(key: str, subject: str, per_hour: int) -> bool:
    """Count one more for the key and return whether it is within the key's limit an hour."""
    return hit(RateLimitItemPerHour(per_hour), subject, key)
