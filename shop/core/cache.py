"""Cache in Redis, continuing without a cache while Redis is down."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis, RedisError

logger = logging.getLogger(__name__)
# After an error, the cache is not called for a while: one page may call it 20 times, and each call
# to a Redis that does not respond takes the full timeout of 5 seconds.
PAUSE_SECONDS = 5


def _tolerant(method: Callable[..., Any], fallback: Callable[..., Any]) -> Any:
    """Wrap a method to call ``fallback`` when Redis fails, and for ``PAUSE_SECONDS`` after that."""

    def call(self: TolerantClient, *args: Any) -> Any:
        if time.monotonic() < self.paused_until:
            return fallback(*args)
        try:
            return method(self, *args)
        except RedisError as error:
            logger.warning("The cache is unavailable: %s", error)
            self.paused_until = time.monotonic() + PAUSE_SECONDS
            return fallback(*args)

    return call


def _raise_unknown_key(key: str, delta: int) -> None:
    """Raise ``ValueError`` for ``incr``, as Django's caches do for an unknown key."""
    raise ValueError(f"Key {key!r} not found.")


class TolerantClient(RedisCacheClient):
    """Behaves like an empty cache while Redis is down."""

    paused_until = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clients: dict[bool, Redis] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:
        """Return the client for reads or writes, creating it once.

        Django would create a new client for each key that a page reads.
        """
        if write not in self._clients:
            self._clients[write] = super().get_client(key, write=write)
        return self._clients[write]

    # The fallback of ``add`` is True, because callers that use it as a lock would otherwise wait
    # for ever.
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
    """Provides Django's Redis cache, but does not raise errors of Redis."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = TolerantClient
