"""Find out when the demo's shop answers, and show how many images are searchable."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Event
from typing import TextIO
from urllib.error import URLError
from urllib.request import urlopen

from django.db import Error, connection

from recommender.embedding.queue import pending
from recommender.models import EmbeddingModel
from shop.catalogue.models import ProductImage

LINE_SECONDS = 10


class Progress:
    """Updates one line in a terminal, or writes a line every ten seconds to anything else."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self.out = out
        self._last_line = ""
        self._last_time = 0.0

    def show(self, line: str, *, final: bool = False) -> None:
        if self.out.isatty():
            self.out.write(f"\r\x1b[K  {line}" + ("\n" if final else ""))
        elif final or (line != self._last_line and self._is_due()):
            self.out.write(f"  {line}\n")
        self._last_line = line
        self.out.flush()

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._last_time < LINE_SECONDS:
            return False
        self._last_time = now
        return True


def wait_until_it_answers(url: str, stopped: Event) -> bool:
    """Return ``True`` as soon as the site answers, or ``False`` once ``stopped`` is set."""
    while not stopped.wait(0.2):
        try:
            with urlopen(f"{url}health/live", timeout=5):  # noqa: S310 - an address of ours
                return True
        except (URLError, OSError):
            continue
    return False


def count_pictures() -> tuple[int, int]:
    """Return how many pictures wait for an embedding and how many there are."""
    left = pending(EmbeddingModel.objects.active()).count()
    return left, ProductImage.objects.count()


def follow_embedding(
    stopped: Event, progress: Progress, count: Callable[[], tuple[int, int]] = count_pictures
) -> None:
    """Show how many pictures are searchable, until all are; keep trying if the database is down."""
    while not stopped.is_set():
        try:
            left, total = count()
        except Error:
            connection.close()
            progress.show("The database is down; restarting it …")
        else:
            if not left:
                progress.show(f"All {total:,} pictures are searchable.", final=True)
                return
            progress.show(f"{total - left:,} of {total:,} pictures are searchable …")
        stopped.wait(0.5)
