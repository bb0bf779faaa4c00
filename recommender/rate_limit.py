"""How many photo searches one address may make in an hour; counted in Redis."""

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


def allows_photo_search(request: HttpRequest) -> bool:
    """Counts the search. With Redis away everybody is let in: searching matters more."""
    limit = RateLimitItemPerHour(settings.PHOTO_SEARCHES_PER_HOUR)
    try:
        return _limiter().hit(limit, "photo-search", request.META.get("REMOTE_ADDR", ""))
    except RedisError:
        return True
