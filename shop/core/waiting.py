"""Limit how many request threads of a process wait at once, so that others can serve pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# At most half of the request threads of a process (``config.gunicorn``) may wait.
MAX_WAITERS = 4
RETRY_AFTER_SECONDS = 10
_slots = threading.BoundedSemaphore(MAX_WAITERS)


class TooBusy(Exception):
    """Signals overload: respond with status 503, so that the client tries again later."""


@contextmanager
def waiting_slot() -> Iterator[None]:
    """Hold one of the slots for waiting threads. Raises ``TooBusy`` if no slot is free."""
    if not _slots.acquire(blocking=False):
        raise TooBusy
    try:
        yield
    finally:
        _slots.release()
