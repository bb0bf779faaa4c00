"""Find the browser that the benchmarks drive."""

from __future__ import annotations

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return the path of the first installed Chromium, or ``None``."""
    return next(filter(None, map(shutil.which, NAMES)), None)
