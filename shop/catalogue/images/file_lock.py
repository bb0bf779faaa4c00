"""Keeps apart who gives stored pictures to rows and who deletes those that no row names.

A file is called by its content, so what somebody is about to store may be there already, and in
that moment be deleted as nobody's.
"""

from __future__ import annotations

from django.db import connection

# Any number that nothing else in this database uses for an advisory lock.
LOCK = 7_413_002


def hold_files() -> None:
    """None is deleted until the end of the transaction: before a name comes, goes or moves."""
    _call("pg_advisory_xact_lock_shared")


def take_files() -> None:
    """Nobody else holds them until the end of the transaction."""
    _call("pg_advisory_xact_lock")


def _call(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [LOCK])
