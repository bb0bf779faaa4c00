"""Django's cache in Redis, which may be away: then nothing is known and nothing is kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, NoReturn

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import RedisError

logger = logging.getLogger(__name__)
# Who signs in asks twenty times, and of a mute Redis each takes the 5 seconds of its timeout.
REST_SECONDS = 5


def _open(question: Callable[..., Any], instead: Callable[..., Any]) -> Any:
    """The same question; if Redis fails it is answered by ``instead``, as are the next ones."""

    def ask(self: OpenClient, *values: Any) -> Any:
        if time.monotonic() < self.rests_until:
            return instead(*values)
        try:
            return question(self, *values)
        except RedisError as error:
            logger.warning("The cache is away: %s", error)
            self.rests_until = time.monotonic() + REST_SECONDS
            return instead(*values)

    return ask


def _nothing(*values: Any) -> None:
    return None


def _no(*values: Any) -> bool:
    return False


def _yes(*values: Any) -> bool:
    return True


def _default(key: str, default: Any) -> Any:
    return default


def _unknown(key: str, delta: int) -> NoReturn:
    raise ValueError(f"Key {key!r} not found.")


class OpenClient(RedisCacheClient):
    rests_until = 0.0

    # A lock that nobody can hold must not be waited for.
    add = _open(RedisCacheClient.add, _yes)
    get = _open(RedisCacheClient.get, _default)
    set = _open(RedisCacheClient.set, _nothing)
    touch = _open(RedisCacheClient.touch, _no)
    delete = _open(RedisCacheClient.delete, _no)
    get_many = _open(RedisCacheClient.get_many, lambda keys: {})
    has_key = _open(RedisCacheClient.has_key, _no)
    incr = _open(RedisCacheClient.incr, _unknown)
    set_many = _open(RedisCacheClient.set_many, _nothing)
    delete_many = _open(RedisCacheClient.delete_many, _nothing)
    clear = _open(RedisCacheClient.clear, _no)


class OpenRedisCache(RedisCache):
    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = OpenClient
