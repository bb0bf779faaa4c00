"""Cache the rows of expensive queries."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

CACHE_SECONDS = 60


def cached_rows(query: QuerySet[Any, tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """Return the rows of ``query`` from the cache, at most ``CACHE_SECONDS`` old.

    While Redis is down, the rows are read from the database. The cache holds columns instead of
    rows, because unpickling thousands of tuples triggers a garbage collection of 0.1 s.
    """
    try:
        sql = query.query.sql_with_params()
    except EmptyResultSet:  # Django knows without a query that no row matches
        return []
    key = f"rows-{sha256(repr(sql).encode()).hexdigest()}"
    columns: Any = cache.get_or_set(key, lambda: list(zip(*query, strict=True)), CACHE_SECONDS)
    return zip(*columns, strict=True)
