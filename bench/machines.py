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
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from bench.environment import environment  # noqa: E402
from tests.faults.machines import Host, Site, apart  # noqa: E402
from tests.faults.test_catalogue_worker import FILL  # noqa: E402

REPEATS = 3
# So much of an even share must each host have done.
FAIR = 0.5
RING = """
from recommender.tasks import embed_pending_images
for _host in range(2):
    embed_pending_images.delay()
"""
FORGET = """UPDATE recommender_embedding_blue SET embedding = NULL, duplicate_group = NULL,
    status = 'pending', attempts = 0, claimed_until = NULL, failure = ''"""
EMBEDDED = "SELECT count(*) FROM recommender_embedding_blue WHERE status = 'embedded'"


def measure(site: Site, hosts: list[Host], count: int, cores: int) -> dict[str, float]:
    """From the ring to the last vector, with warm workers; processor time of the workers alone."""
    for host in hosts:
        host.environment["NETWORK_THREADS"] = str(cores)
        host.start_worker()
    try:
        runs = [_once(site, hosts, count) for _repeat in range(REPEATS + 1)]
    finally:
        for host in hosts:
            host.lose()
    # In the first the workers load their network.
    rates, used = zip(*runs[1:], strict=True)
    shares = [min(each) / sum(each) for each in used]
    if min(shares) < FAIR / len(hosts):
        sys.exit(f"One of {len(hosts)} hosts did no more than {min(shares):.0%} of the work.")
    return {
        "pictures_a_second": round(median(rates), 1),
        "spread": round(max(rates) - min(rates), 1),
        "worker_core_ms_a_picture": round(median(sum(each) for each in used) * 1000 / count, 2),
        "least_share_of_a_host": round(min(shares), 2),
    }


def _once(site: Site, hosts: list[Host], count: int) -> tuple[float, list[float]]:
    """Pictures a second, and each host's processor seconds."""
    site.servers.sql(FORGET)
    before = list(map(processor_seconds, hosts))
    hosts[0].script(RING)
    site.wait_for("the first", lambda: site.servers.sql(EMBEDDED) > 0)
    begun, started = site.servers.sql(EMBEDDED), time.perf_counter()
    site.wait_for("all", lambda: site.servers.sql(EMBEDDED) == count)
    rate = (count - begun) / (time.perf_counter() - started)
    after = map(processor_seconds, hosts)
    return rate, [now - then for now, then in zip(after, before, strict=True)]


def processor_seconds(host: Host) -> float:
    """Of all that it runs: each process and its children are one session."""
    sessions = {str(process.pid) for process in host.processes}
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            if fields[3] in sessions:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
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
            # With the tests' lease of three seconds slow cores lose claims until all is parked.
            host.environment |= {"EMBED_BATCH": "32", "EMBED_LEASE_SECONDS": "60"}
        one.script(f"count = {count}\n{FILL}")
        result["one_host_of_one_core"] = measure(site, [one], count, 1)
        result["two_hosts_of_one_core"] = measure(site, [one, two], count, 1)
        result["one_host_of_two_cores"] = measure(site, [one], count, 2)
    finally:
        site.tear_down()
    rates = [
        result[f"{name}_of_one_core"]["pictures_a_second"] for name in ("one_host", "two_hosts")
    ]
    result["times_one_host"] = round(rates[1] / rates[0], 2)
    text = json.dumps(result, indent=1)
    (ROOT / "bench" / "results" / "machines.json").write_text(text + "\n")
    print(text)
