"""Limit how many request threads of a process wait at once, so that the others answer pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Half of a process's request threads (config.gunicorn).
MAX_WAITERS = 4
RETRY_AFTER_SECONDS = 10
_slots = threading.BoundedSemaphore(MAX_WAITERS)


class TooBusy(Exception):
    """The process cannot take this on now: answer 503 and ask the client to come back."""


@contextmanager
def waiting_slot() -> Iterator[None]:
    """Hold one of the places for threads that wait. Raises ``TooBusy`` if none is free."""
    if not _slots.acquire(blocking=False):
        raise TooBusy
    try:
        yield
    finally:
        _slots.release()
