"""Measure images embedded per second by workers on one host and on two.

    python bench/machines.py [--pictures 2000]

The hosts are those of ``tests/faults/machines.py``: each has its own folder and (if root runs this)
its own network namespace, and reaches the site only through the addresses of PostgreSQL and Redis.
The neural network uses one core on each host. The hosts share this machine's cores with the
database, so two real machines gain at least what two hosts gain here. For comparison, the network
also uses two cores on a single host. Prints one JSON object and writes it to
bench/results/machines.json.
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

from bench.arguments import argument_parser  # noqa: E402
from bench.environment import environment  # noqa: E402
from tests.faults.machines import Host, Site, apart  # noqa: E402
from tests.faults.shop import FILL  # noqa: E402

REPEATS = 3
# A run fails if a host does less than this fraction of an even share of the work, because its rate
# would not be that of all hosts.
MIN_FAIR_SHARE = 0.5
ENQUEUE = """
from recommender.tasks import embed_pending_images
for _host in range(2):
    embed_pending_images.delay()
"""
RESET = """UPDATE recommender_embedding_blue SET embedding = NULL, duplicate_group = NULL,
    status = 'pending', attempts = 0, claimed_until = NULL, failure = ''"""
EMBEDDED = "SELECT count(*) FROM recommender_embedding_blue WHERE status = 'embedded'"


def measure(site: Site, hosts: list[Host], count: int, cores: int) -> dict[str, float]:
    """Embed ``count`` images several times on these hosts; return the rate and the CPU time.

    Loading the network is not measured. The CPU time is that of the workers alone.
    """
    for host in hosts:
        host.environment["NETWORK_THREADS"] = str(cores)
        host.start_worker()
    try:
        runs = [_once(site, hosts, count) for _repeat in range(REPEATS + 1)]
    finally:
        for host in hosts:
            host.lose()
    # The first run is left out, because the workers load the network in it.
    rates, used = zip(*runs[1:], strict=True)
    shares = [min(each) / sum(each) for each in used]
    if min(shares) < MIN_FAIR_SHARE / len(hosts):
        sys.exit(f"One of {len(hosts)} hosts did no more than {min(shares):.0%} of the work.")
    return {
        "pictures_a_second": round(median(rates), 1),
        "spread": round(max(rates) - min(rates), 1),
        "worker_core_ms_a_picture": round(median(sum(each) for each in used) * 1000 / count, 2),
        "least_share_of_a_host": round(min(shares), 2),
    }


def _once(site: Site, hosts: list[Host], count: int) -> tuple[float, list[float]]:
    """Embed all images once; return images per second and each host's CPU seconds."""
    site.servers.sql(RESET)
    before = list(map(cpu_seconds, hosts))
    hosts[0].script(ENQUEUE)
    site.wait_for("the first", lambda: site.servers.sql(EMBEDDED) > 0)
    begun, started = site.servers.sql(EMBEDDED), time.perf_counter()
    site.wait_for("all", lambda: site.servers.sql(EMBEDDED) == count)
    rate = (count - begun) / (time.perf_counter() - started)
    after = map(cpu_seconds, hosts)
    return rate, [now - then for now, then in zip(after, before, strict=True)]


def cpu_seconds(host: Host) -> float:
    """Return the CPU seconds of a host's processes and their children, found by session id."""
    sessions = {str(process.pid) for process in host.processes}
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            if fields[3] in sessions:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--pictures", type=int, default=2000)
    count = parser.parse_args().pictures
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
            # The tests' three-second lease would expire before a slow core has embedded a batch.
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


if __name__ == "__main__":
    main()
