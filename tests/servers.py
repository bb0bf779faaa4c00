"""Start PostgreSQL and Redis before pytest-django reads the settings: ``-p tests.servers``.

If DATABASE_URL is set, the tests use that server and REDIS_URL instead.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo.servers import EmbeddedServers

ROOT = Path(__file__).resolve().parent.parent
servers = EmbeddedServers(Path(os.environ.setdefault("VAR_DIR", str(ROOT / "var" / "test"))))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if os.environ.get("DATABASE_URL"):
        return
    servers.start()
    early_config.add_cleanup(servers.stop)
    os.environ |= servers.environment
