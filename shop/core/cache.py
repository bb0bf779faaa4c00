"""Cache in Redis, and go on without a cache while Redis is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import RedisError

logger = logging.getLogger(__name__)
# A sign-in calls the cache twenty times, and a Redis that accepts but never answers would take the
# whole timeout of 5 seconds each time.
PAUSE_SECONDS = 5


def _tolerant(method: Callable[..., Any], fallback: Callable[..., Any]) -> Any:
    """Wrap a method so that ``fallback`` answers when Redis fails, and while it pauses then."""

    def call(self: TolerantClient, *args: Any) -> Any:
        if time.monotonic() < self.paused_until:
            return fallback(*args)
        try:
            return method(self, *args)
        except RedisError as error:
            logger.warning("The cache is away: %s", error)
            self.paused_until = time.monotonic() + PAUSE_SECONDS
            return fallback(*args)

    return call


def _raise_unknown_key(key: str, delta: int) -> None:
    """Answer ``incr`` as Django's caches do for a key that they do not have."""
    raise ValueError(f"Key {key!r} not found.")


class TolerantClient(RedisCacheClient):
    """Knows no key and keeps none while Redis fails."""

    paused_until = 0.0

    # A lock that nobody can hold must not be waited for.
    add = _tolerant(RedisCacheClient.add, lambda *args: True)
    get = _tolerant(RedisCacheClient.get, lambda key, default: default)
    set = _tolerant(RedisCacheClient.set, lambda *args: None)
    touch = _tolerant(RedisCacheClient.touch, lambda *args: False)
    delete = _tolerant(RedisCacheClient.delete, lambda *args: False)
    get_many = _tolerant(RedisCacheClient.get_many, lambda keys: {})
    has_key = _tolerant(RedisCacheClient.has_key, lambda *args: False)
    incr = _tolerant(RedisCacheClient.incr, _raise_unknown_key)
    set_many = _tolerant(RedisCacheClient.set_many, lambda *args: None)
    delete_many = _tolerant(RedisCacheClient.delete_many, lambda *args: None)
    clear = _tolerant(RedisCacheClient.clear, lambda *args: False)


class TolerantRedisCache(RedisCache):
    """Django's Redis cache whose errors never reach a page."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = TolerantClient
