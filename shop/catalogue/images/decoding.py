"""Limit what a process decodes at once, and how long a request waits for its turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings

from shop.core.waiting import TooBusy, waiting_slot

# Pictures with fewer pixels take 27 MB at most, and wait for nobody.
SMALL = 1_000_000
# How long a request waits. A worker, for which nobody waits, gives ``None`` and waits for its turn.
PATIENCE_SECONDS = 5.0


class Decoding:
    """Let all threads together decode as many pixels as one picture may have."""

    def __init__(self) -> None:
        self.now = 0
        self.waiting: list[object] = []
        self._changed = threading.Condition()

    @contextmanager
    def of(self, pixels: int, patience: float | None = PATIENCE_SECONDS) -> Iterator[None]:
        """Block until ``pixels`` fit; first come, first served. Raises ``TooBusy``."""
        if pixels <= SMALL:
            yield
            return
        pixels = min(pixels, settings.PICTURE_MAX_PIXELS)
        if not self._take(pixels, 0):
            with _place(patience):
                if not self._take(pixels, patience):
                    raise TooBusy
        try:
            yield
        finally:
            with self._changed:
                self.now -= pixels
                self._changed.notify_all()

    def _take(self, pixels: int, seconds: float | None) -> bool:
        turn, limit = object(), settings.PICTURE_MAX_PIXELS
        with self._changed:
            self.waiting.append(turn)
            try:
                fits = self._changed.wait_for(
                    lambda: self.waiting[0] is turn and self.now + pixels <= limit, seconds
                )
                self.now += pixels if fits else 0
            finally:
                self.waiting.remove(turn)
                self._changed.notify_all()
        return fits


decoding = Decoding()
_child = threading.Lock()


@contextmanager
def child_turn(patience: float | None) -> Iterator[None]:
    """Block until no other thread has a child that decodes. Raises ``TooBusy``.

    One at a time: memory is that of one picture, and a processor is left for pages.
    """
    with _place(patience):
        if not _child.acquire(timeout=-1 if patience is None else patience):
            raise TooBusy
        try:
            yield
        finally:
            _child.release()


@contextmanager
def _place(patience: float | None) -> Iterator[None]:
    """Hold a place among the request threads that wait; workers need none."""
    with ExitStack() as held:
        if patience is not None:
            held.enter_context(waiting_slot())
        yield
