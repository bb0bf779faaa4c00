"""Requests in progress are completed when the web server is stopped."""

from __future__ import annotations

import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.faults.searchers import Searchers
from tests.faults.shop import DEADLINE_SECONDS, Shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
WEB = (sys.executable, "-m", "gunicorn", "config.wsgi", "-c", "python:config.gunicorn")
REQUESTS = 8
WAITING = """
SELECT count(*) FROM pg_locks
WHERE NOT granted AND relation = 'catalogue_product'::regclass
"""


def test_requests_in_progress_survive_a_restart(shop: Shop) -> None:
    visitors = Searchers(shop.folder / "restarted.sock")
    server = shop.start("--bind", f"unix:{visitors.web}", program=WEB)
    shop.wait_for("web server", visitors.web.exists)
    with (
        psycopg.connect(shop.servers.database_url) as slow,
        ThreadPoolExecutor(REQUESTS) as threads,
    ):
        slow.execute("LOCK TABLE catalogue_product IN ACCESS EXCLUSIVE MODE")
        pages = [threads.submit(visitors.ask, "/api/v1/products/") for _n in range(REQUESTS)]
        shop.wait_for("requests in progress", lambda: shop.sql(WAITING) == REQUESTS)
        server.send_signal(signal.SIGTERM)
        shop.wait_for("nobody new is let in", lambda: not visitors.web.exists())
        assert not any(page.done() for page in pages)
        slow.rollback()
        assert all(json.loads(page.result())["results"] == [] for page in pages)
    assert server.wait(DEADLINE_SECONDS) == 0
    shop.processes.remove(server)
