"""How many pixels of pictures a process has in memory at once, whoever sends them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from PIL import Image

# Those with fewer take 27 MB at most, and wait for nobody.
SMALL = 1_000_000


class Decoding:
    """All threads together: as many pixels as one picture may have."""

    def __init__(self) -> None:
        self.now = 0
        self.next = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def of(self, pixels: int) -> Iterator[None]:
        """Waits until they fit; who waits is overtaken by nobody."""
        if pixels <= SMALL:
            yield
            return
        limit = settings.PICTURE_MAX_PIXELS
        pixels = min(pixels, limit)
        with self.next, self._changed:
            self._changed.wait_for(lambda: self.now + pixels <= limit)
            self.now += pixels
        try:
            yield
        finally:
            with self._changed:
                self.now -= pixels
                self._changed.notify()


decoding = Decoding()


def weight(image: Image.Image) -> int:
    """Pixels, counted twice where decoding takes 12 to 16 bytes for each and not 5 to 10.

    Those of the file: a JPEG's decoder leaves some out, but may need the whole picture for it.
    """
    twice = (
        image.format == "WEBP"
        or (image.format == "AVIF" and image.mode == "RGBA")
        or image.mode in {"F", "I"}
    )
    return image.width * image.height * (2 if twice else 1)
