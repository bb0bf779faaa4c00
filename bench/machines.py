"""Pictures per second on one host and on two, each with one core for its network.

    python bench/machines.py [PICTURES]

The hosts of ``tests/faults/machines.py``: other folders, other network namespaces (as root), and of
the site only the addresses of PostgreSQL and Redis. All of them share this machine's cores with the
database, so what two hosts gain here is a lower bound of what two machines gain, if cores are free.
The rival is one host with both cores, as one process.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402

django.setup()

from bench.environment import environment  # noqa: E402
from tests.faults.machines import Host, Site, apart  # noqa: E402
from tests.faults.test_catalogue_worker import FILL  # noqa: E402

REPEATS = 5
RING = """
from recommender.tasks import embed_pending_images
for _host in range(2):
    embed_pending_images.delay()
"""
FORGET = "UPDATE catalogue_productimage SET embedding_blue = NULL"


def pictures_per_second(site: Site, hosts: list[Host], count: int, cores: int) -> float:
    """From the ring to the last vector, with warm workers."""
    for host in hosts:
        host.environment["NETWORK_THREADS"] = str(cores)
        host.start_worker()
    try:
        rates = [_once(site, hosts, count) for _repeat in range(REPEATS + 1)]
    finally:
        for host in hosts:
            host.lose()
    return median(rates[1:])  # in the first the workers load their network


def _once(site: Site, hosts: list[Host], count: int) -> float:
    site.servers.sql(FORGET)
    hosts[0].script(RING)
    site.wait_for("the first", lambda: site.images("embedding_blue IS NOT NULL") > 0)
    begun, started = site.images("embedding_blue IS NOT NULL"), time.perf_counter()
    site.wait_for("all", lambda: site.images("embedding_blue IS NULL") == 0)
    return (count - begun) / (time.perf_counter() - started)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    result: dict[str, Any] = {
        "environment": environment(),
        "pictures": count,
        "repeats": REPEATS,
        "network_namespaces": apart(),
    }
    folder = Path(tempfile.mkdtemp(prefix="site-", dir="/tmp"))
    folder.chmod(0o755)
    site = Site(folder)
    try:
        site.set_up()
        one, two = site.hosts
        for host in site.hosts:
            host.environment["EMBED_BATCH"] = "32"
        one.script(f"count = {count}\n{FILL}")
        result["one_host_of_one_core"] = pictures_per_second(site, [one], count, 1)
        result["two_hosts_of_one_core"] = pictures_per_second(site, [one, two], count, 1)
        result["one_host_of_two_cores"] = pictures_per_second(site, [one], count, 2)
    finally:
        site.tear_down()
    result["times_one_host"] = result["two_hosts_of_one_core"] / result["one_host_of_one_core"]
    rounded = {k: round(v, 2) if isinstance(v, float) else v for k, v in result.items()}
    text = json.dumps(rounded, indent=1)
    (ROOT / "bench" / "results" / "machines.json").write_text(text + "\n")
    print(text)
