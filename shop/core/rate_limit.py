"""Limit how often one client address, e-mail or session may do something, counted in Redis."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.http import HttpRequest
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


def allows_key(key: str, subject: str, per_hour: int) -> bool:
    """Count one more for the key and return whether it is within the key's limit.

    Everybody is let in while Redis is away, because an open shop matters more than the limit.
    """
    try:
        return _limiter().hit(RateLimitItemPerHour(per_hour), subject, key)
    except RedisError:
        return True
