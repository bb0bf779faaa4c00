"""Start PostgreSQL and Redis before pytest-django reads the settings: ``-p tests.servers``.

Each process of pytest-xdist gets servers of its own. If DATABASE_URL is set, the tests use that
server and REDIS_URL instead, and need one process: ``make test PARALLEL=``.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from demo.servers import EmbeddedServers

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    folder = Path(os.environ.setdefault("VAR_DIR", str(ROOT / "var" / "test")))
    if os.environ.get("DATABASE_URL") and not worker:
        return
    servers = EmbeddedServers(folder.with_name(f"{folder.name}-{worker}") if worker else folder)
    servers.start()
    early_config.add_cleanup(servers.stop)
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        # No test survives a crash of the machine.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    os.environ |= servers.environment
    # Workers of pytest-xdist get no ``-p``, but inherit the environment.
    os.environ["PYTEST_PLUGINS"] = __name__
