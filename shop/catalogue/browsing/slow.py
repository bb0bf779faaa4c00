"""What the database takes long to find is kept for a while.

For so many times as long as it took: no question, however often it is asked, takes more than that
part of the database's time, and a shop that is quick enough never shows but what is true now.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db import connection

SLOW_SECONDS = 0.1
TIMES = 100


def rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Of one query; with Redis away they are always new."""
    key = f"slow-{sha256(repr((sql, values)).encode()).hexdigest()}"
    if (kept := cache.get(key)) is not None:
        return list(kept)
    started = time.perf_counter()
    found = new_rows(sql, values)
    seconds = time.perf_counter() - started
    if seconds >= SLOW_SECONDS:
        cache.set(key, found, seconds * TIMES)
    return found


def new_rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Of what is never slow: nothing is kept."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
