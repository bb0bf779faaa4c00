"""Define the processes of the shop that ``make demo`` runs."""

from __future__ import annotations

import sys
from pathlib import Path

# Bulk work has a lower priority than work for shoppers; bench/photo.py measures the effect. The
# command lowers the priority of the autogroup, too, because a kernel that schedules by session
# ignores `nice` between sessions.
BULK = ("catalogue", "uploads")
YIELDING = "echo 10 2>/dev/null >/proc/self/autogroup; exec nice -n 10"


def shell_commands(port: int, log: Path) -> dict[str, str]:
    """Return a shell command for each process, with its own log file."""
    python = f"{sys.executable} -W ignore::RuntimeWarning -m"
    worker = f"{python} celery -A config worker --concurrency 1 --without-gossip --without-mingle"
    commands = {
        "web": f"{python} gunicorn config.wsgi -c python:config.gunicorn --bind 127.0.0.1:{port}",
        "search": f"{worker} -Q search -n search@%h",
        "catalogue": f"{worker} -Q catalogue -n catalogue@%h",
        "uploads": f"{worker} -Q uploads -n uploads@%h",
        "shop": f"{worker} -Q shop -n shop@%h",
        "beat": f"{python} celery -A config beat",
    }
    return {
        name: f"{YIELDING if name in BULK else 'exec'} {command} > {log}/{name}.log 2>&1"
        for name, command in commands.items()
    }
