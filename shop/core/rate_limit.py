"""Limit how often one client address, e-mail or session may do something, counted in Redis."""

from __future__ import annotations

from functools import cache
from math import ceil
from time import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from limits import RateLimitItemPerHour
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import RedisError


@cache
def _limiter() -> SlidingWindowCounterRateLimiter:
    uri = settings.REDIS_URL.replace("unix://", "redis+unix://", 1)
    return SlidingWindowCounterRateLimiter(RedisStorage(uri, key_prefix="limits"))


def client_address(request: HttpRequest) -> str:
    """Return the visitor's address as the outermost of our own ``PROXIES`` saw it."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if settings.PROXIES and len(forwarded) >= settings.PROXIES:
        address = str(forwarded[-settings.PROXIES]).strip()
        if address:
            return address
    return str(request.META.get("REMOTE_ADDR", ""))


def allows(request: HttpRequest, subject: str, per_hour: int) -> bool:
    """Count the request and return whether it is within the limit of its client's address."""
    return allows_key(client_address(request), subject, per_hour)


def too_many_requests(
    request: HttpRequest, subject: str, per_hour: int, *others: tuple[str, str]
) -> HttpResponse:
    """Answer 429 and say when to try again.

    ``others`` are (key, subject) pairs with the same limit that may have refused the request.
    """
    keys = [(client_address(request), subject), *others]
    seconds = max(_seconds_left(key, name, per_hour) for key, name in keys)
    minutes = ceil(seconds / 60)
    response = render(request, "429.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(minutes * 60)
    return response


def _seconds_left(key: str, subject: str, per_hour: int) -> float:
    """Return after how many seconds the key may do it again; at least one."""
    try:
        stats = _limiter().get_window_stats(RateLimitItemPerHour(per_hour), subject, key)
    except RedisError:
        return 1
    return 1 if stats.remaining else max(1, stats.reset_time - time())


def allows_key(key: str, subject: str, per_hour: int) -> bool:
    """Count one more for the key and return whether it is within the key's limit.

    Everybody is let in while Redis is away, because an open shop matters more than the limit.
    """
    try:
        return _limiter().hit(RateLimitItemPerHour(per_hour), subject, key)
    except RedisError:
        return True
