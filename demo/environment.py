"""Publish the servers and the secret key of a running demo, so that ``manage.py`` finds them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from django.core.management.utils import get_random_secret_key

LOCK = "servers.lock"
VARIABLES = "demo.env"


class FolderInUseError(RuntimeError):
    """Reports that another process runs its servers in the folder."""


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock the folder for this process; the kernel unlocks it however the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUseError(f"The servers in {folder} belong to another process.") from None
        yield
    finally:
        os.close(lock)


def is_locked(folder: Path) -> bool:
    """Return whether a process has locked the folder; create no lock file."""
    try:
        lock = os.open(folder / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def running_demo(folder: Path) -> dict[str, str]:
    """Return the environment variables of the demo that runs in the folder; empty if none does."""
    if not is_locked(folder):
        return {}
    with suppress(FileNotFoundError):
        lines = (folder / VARIABLES).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)
    return {}


@contextmanager
def published(folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """Let ``running_demo`` return the variables while the block runs."""
    file = folder / VARIABLES
    write_private(file, "".join(f"{name}={value}\n" for name, value in variables.items()))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def secret_key(folder: Path) -> str:
    """Return the key in ``folder/secret-key``; create the file if missing, with private access."""
    file = folder / "secret-key"
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        write_private(file, get_random_secret_key())
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    """Write the text to a file that only its owner can read."""
    file.touch(mode=0o600)
    file.write_text(text)
