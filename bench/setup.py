"""Set up Django, PostgreSQL and Redis for the benchmarks."""

from __future__ import annotations

import atexit
import os
from pathlib import Path

import django

from demo.environment import running_demo
from demo.servers import EmbeddedServers

ROOT = Path(__file__).resolve().parent.parent


def set_up_django() -> EmbeddedServers | None:
    """Set up Django with the servers of DATABASE_URL, of a running demo, or else of VAR_DIR.

    The servers of VAR_DIR are started and returned; they are stopped at exit.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    servers = None
    folder = Path(os.environ.get("VAR_DIR") or ROOT / "var")
    if not os.environ.get("DATABASE_URL") and not running_demo(folder):
        servers = EmbeddedServers(folder)
        servers.start()
        atexit.register(servers.stop)
        os.environ |= servers.environment
    django.setup()
    return servers
