"""Workers on two hosts that share PostgreSQL and Redis, but no disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.machines import Site, can_isolate_hosts
from tests.faults.shop import FILL, LOG_WRITES, UNTOUCHED

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
COUNT = 400
# Sends a task for each host.
SEND_TASKS = """
from shop.core.tasks import send

name = "recommender.tasks.embed_pending_images"
print(send(name), send(name))
"""
# Lists what a host sees of the others' folders.
LIST_FOLDERS = """
import json
import os
from pathlib import Path

print(json.dumps([path for path in {paths} if Path(path).exists() and os.listdir(path)]))
"""
# Logs which host wrote each embedding, by its client address.
LOG_WRITERS = """
ALTER TABLE written ADD COLUMN writer text DEFAULT host(inet_client_addr()) || ' '
    || current_setting('application_name');
"""


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site(Path(tempfile.mkdtemp(prefix="site-", dir="/tmp")))
    made.folder.chmod(0o755)
    try:
        made.set_up()
        yield made
    finally:
        made.tear_down()


def test_two_hosts_share_the_work_and_one_takes_over_for_the_other(site: Site) -> None:
    one, two = site.hosts
    for host in site.hosts:
        host.environment["PGAPPNAME"] = host.name
        if can_isolate_hosts():
            seen = host.script(LIST_FOLDERS.format(paths=[str(path) for path in host.hidden]))
            assert seen == "[]\n"
    one.script(f"count = {COUNT}\n{FILL}")
    site.servers.sql(LOG_WRITES + LOG_WRITERS)
    for host in site.hosts:
        host.start_worker()
        host.start("beat", "--pidfile=")
    assert two.script(SEND_TASKS) == "True True\n"
    both = "SELECT count(DISTINCT writer) FROM written"
    site.wait_for("both at work", lambda: site.servers.sql(both) == 2)

    one.lose()
    site.wait_for("its connections to end", lambda: connected(site, one.name) == 0)
    done = site.embeddings("embedding IS NOT NULL")
    assert done < COUNT
    site.wait_for("all embedded", lambda: site.embeddings("embedding IS NULL") == 0)

    assert site.embeddings(UNTOUCHED) == COUNT
    assert site.servers.sql("SELECT count(*) FROM written") == COUNT
    assert site.servers.sql("SELECT count(DISTINCT image_id) FROM written") == COUNT
    writers = site.servers.sql("SELECT json_agg(DISTINCT writer ORDER BY writer) FROM written")
    assert writers == [
        f"{host.own if can_isolate_hosts() else '127.0.0.1'} {host.name}" for host in site.hosts
    ]


def connected(site: Site, name: str) -> int:
    statement = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'"  # noqa: S608
    return int(site.servers.sql(statement))
