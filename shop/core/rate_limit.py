"""Limit how often an IP address, account, e-mail address or session may do something.

The counters are in Redis, which increments and checks a counter in one step, so that concurrent
requests cannot exceed a limit.
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

# After a timeout, Redis is not called for a while, because each page would wait for it.
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


def _call(function: Callable[[SlidingWindowCounterRateLimiter], T], default: T) -> T:
    """Call a function with the limiter; return ``default`` while Redis is down.

    The defaults allow everything, because keeping the shop open is more important than the limits.
    """
    if time.monotonic() < _Pause.until:
        return default
    try:
        return function(_limiter())
    except RedisError:
        _Pause.until = time.monotonic() + PAUSE_SECONDS
        return default


def client_address(request: HttpRequest) -> str:
    """Return the visitor's IP address as seen by the outermost of our own ``PROXIES``."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if settings.PROXIES and len(forwarded) >= settings.PROXIES:
        address = str(forwarded[-settings.PROXIES]).strip()
        if address:
            return address
    return str(request.META.get("REMOTE_ADDR", ""))


def client_network(request: HttpRequest) -> str:
    """Return the part of the IP address to which limits apply.

    It is a whole IPv4 address, or the /64 network of an IPv6 address.
    """
    text = client_address(request)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return text


def hit(limit: RateLimitItem, subject: str, key: str) -> bool:
    """Increment the count of the key, and return whether it is within the limit."""
    return _call(lambda limiter: limiter.hit(limit, subject, key), True)


def reset(limit: RateLimitItem, subject: str, key: str) -> None:
    """Reset the count of the key to zero."""
    _call(lambda limiter: limiter.clear(limit, subject, key), None)


def wait_seconds(limit: RateLimitItem, subject: str, key: str) -> int:
    """Return in how many seconds the key may be used again, at least one."""
    free = _call(lambda limiter: limiter.get_window_stats(limit, subject, key).reset_time, 0.0)
    return max(1, round(free - time.time()))


def allows(request: HttpRequest, subject: str, per_hour: int) -> bool:
    """Count the request and return whether it is within the limit of its IP address."""
    return allows_key(client_network(request), subject, per_hour)


def too_many_requests(request: HttpRequest, subject: str, per_hour: int) -> HttpResponse:
    """Return a response with status 429 that says when the address may try again."""
    seconds = wait_seconds(RateLimitItemPerHour(per_hour), subject, client_network(request))
    minutes = ceil(seconds / 60)
    response = render(request, "429.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(minutes * 60)
    return response


def is_exhausted(key: str, subject: str, per_hour: int) -> bool:
    """Return whether the key has reached the hourly limit, without incrementing its count."""
    limit = RateLimitItemPerHour(per_hour)
    return not _call(lambda limiter: limiter.test(limit, subject, key), True)


def give_back(key: str, subject: str, per_hour: int) -> None:
    """Decrement the count of the key."""
    limit = RateLimitItemPerHour(per_hour)
    _call(lambda limiter: limiter.hit(limit, subject, key, cost=-1), True)


def allows_key(key: str, subject: str, per_hour: int) -> bool:
    """Increment the count of the key, and return whether it is within the hourly limit."""
    return hit(RateLimitItemPerHour(per_hour), subject, key)
