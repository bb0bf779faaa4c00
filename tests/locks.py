from __future__ import annotations

import time

from django.db import connection

WAITING = """SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database()"""


def wait_until_a_lock_blocks() -> None:
    """Block until another connection to the tests' database waits for a lock."""
    end = time.monotonic() + 60
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute(WAITING)
            if cursor.fetchall():
                return
            time.sleep(0.01)
    raise AssertionError("No connection waits for a lock.")
