from __future__ import annotations

import time

from django.db import connection

WAITING = """SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database()"""


def wait_until_somebody_waits() -> None:
    """For a lock in the tests' database: what another thread does has come that far."""
    end = time.monotonic() + 60
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute(WAITING)
            if cursor.fetchall():
                return
            time.sleep(0.01)
    raise AssertionError("Nobody waits.")
