"""Acquire PostgreSQL advisory locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection


class AdvisoryLock(IntEnum):
    """Numbers all advisory locks, so that no two use the same number."""

    CO_PURCHASES = 7_405_226
    MODEL_ROLLOUT = 7_405_227
    IMPORT = 7_413_001
    # Combined with the upload's primary key.
    UPLOAD_JOB = 7413


def lock_until_commit(lock: AdvisoryLock) -> None:
    """Acquire the lock, waiting for it, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])


def try_lock_until_commit(lock: AdvisoryLock) -> bool:
    """Acquire the lock until the end of the transaction; return ``False`` if another holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
        return bool(cursor.fetchone()[0])


@contextmanager
def try_lock(lock: AdvisoryLock, key: int) -> Iterator[bool]:
    """Hold the lock for a key, also across transactions; yield ``False`` if another holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [lock, key])
        locked = bool(cursor.fetchone()[0])
    try:
        yield locked
    finally:
        if locked:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [lock, key])
