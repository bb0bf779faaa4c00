"""Limit the pixels that a process decodes at once, and the time that a request waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings

from shop.core.waiting import TooBusy, waiting_slot

# Pictures of up to this size are not limited, because each takes at most 27 MB.
UNLIMITED_PIXELS = 1_000_000
# The timeout of requests. Workers pass ``None`` and wait without limit.
WAIT_SECONDS = 5.0


class PixelBudget:
    """Limits the pixels that all threads together decode at a time to ``PICTURE_MAX_PIXELS``."""

    def __init__(self) -> None:
        self.in_use = 0
        self.waiting: list[object] = []
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, pixels: int, timeout: float | None = WAIT_SECONDS) -> Iterator[None]:
        """Block until ``pixels`` fit into the budget; first come, first served.

        Raises ``TooBusy`` after ``timeout`` seconds.
        """
        if pixels <= UNLIMITED_PIXELS:
            yield
            return
        pixels = min(pixels, settings.PICTURE_MAX_PIXELS)
        if not self._take(pixels, 0):
            with _waiting(timeout):
                if not self._take(pixels, timeout):
                    raise TooBusy
        try:
            yield
        finally:
            with self._changed:
                self.in_use -= pixels
                self._changed.notify_all()

    def _take(self, pixels: int, seconds: float | None) -> bool:
        turn, limit = object(), settings.PICTURE_MAX_PIXELS
        with self._changed:
            self.waiting.append(turn)
            try:
                fits = self._changed.wait_for(
                    lambda: self.waiting[0] is turn and self.in_use + pixels <= limit, seconds
                )
                self.in_use += pixels if fits else 0
            finally:
                self.waiting.remove(turn)
                self._changed.notify_all()
        return fits


pixel_budget = PixelBudget()
_child_lock = threading.Lock()


@contextmanager
def child_slot(timeout: float | None) -> Iterator[None]:
    """Block until no other thread of the process has a decoding child.

    Only one child runs at a time, to limit memory and to leave a processor for web pages. Raises
    ``TooBusy`` after ``timeout`` seconds.
    """
    with _waiting(timeout):
        if not _child_lock.acquire(timeout=-1 if timeout is None else timeout):
            raise TooBusy
        try:
            yield
        finally:
            _child_lock.release()


@contextmanager
def _waiting(timeout: float | None) -> Iterator[None]:
    """Hold a slot for waiting request threads; workers pass no ``timeout`` and need no slot."""
    with ExitStack() as stack:
        if timeout is not None:
            stack.enter_context(waiting_slot())
        yield
