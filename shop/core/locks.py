"""Acquire PostgreSQL advisory locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection


class AdvisoryLock(IntEnum):
    """Defines the numbers of all advisory locks in one place, so that no two are the same."""

    CO_PURCHASES = 7_405_226
    MODEL_ROLLOUT = 7_405_227
    IMPORT = 7_413_001
    # The key of this lock is the upload's primary key, so that each upload has its own lock.
    UPLOAD_JOB = 7413


def lock_until_commit(lock: AdvisoryLock) -> None:
    """Acquire the lock, waiting for it if necessary, and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])


def try_lock_until_commit(lock: AdvisoryLock) -> bool:
    """Acquire the lock and hold it until the transaction ends.

    Return ``False`` if another transaction holds it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
        return bool(cursor.fetchone()[0])


@contextmanager
def try_lock(lock: AdvisoryLock, key: int) -> Iterator[bool]:
    """Hold the lock for a key during the block, also across transactions.

    Yield ``False`` if another connection holds it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [lock, key])
        locked = bool(cursor.fetchone()[0])
    try:
        yield locked
    finally:
        if locked:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [lock, key])
