"""A secret key for a machine on which nobody set one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def key(folder: Path) -> str:
    """The key kept in ``folder/secret-key``, made on first use and readable by its owner only."""
    path = folder / "secret-key"
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"secret-key.{os.getpid()}"
    if not path.exists():
        new.touch(mode=0o600)
        new.write_text(get_random_secret_key())
        with suppress(FileExistsError):  # another process was first
            os.link(new, path)
        new.unlink()
    return path.read_text()
