"""Measure response times of pages while Locust simulates eight shoppers.

    python bench/pages.py [--seconds 60] [--rival CHECKOUT]

Starts gunicorn as in production on the shop's catalogue and runs these loads of
bench/locustfile.py:

- ``cold``: with an empty Redis and a newly started gunicorn; shoppers pause on each page.
- ``shoppers``: the same with warm caches.
- ``no_pause``: eight users who request the next page as soon as the previous one is loaded.
- ``product_alone_cold``: one user who opens product pages without pauses, each for the first time,
  so that no search is cached. ``product_alone``: the same pages again and again.

Also times in this process the counts beside the filters (``facet_counts_ms``), the same counts with
an empty cache for comparison (``facet_counts_uncached_ms``), and the recommendations of a product
(``related_ms``). ``--models 1x8,2x4`` runs only ``no_pause``, with 1 worker of 8 threads, then 2
workers of 4 threads, and so on.

Times are the server's (gunicorn's access log) and the client's. ``--rival`` is another checkout of
the shop, which gets the same load on the same database. Prints one JSON object and writes it to
bench/results/pages.json. VAR_DIR should be a disposable copy, because the run adds events and
renditions to it.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.conf import settings  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.embeddings import embedded_photo  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.models import EmbeddingModel, QueryPhoto  # noqa: E402
from recommender.recommendations.cache import invalidate, related  # noqa: E402
from recommender.recommendations.rows import cards  # noqa: E402
from shop.catalogue.browsing.facets import count, facets  # noqa: E402
from shop.catalogue.browsing.filters import FACETS, Filters  # noqa: E402
from shop.catalogue.models import Category, Product, SearchWord  # noqa: E402

RESULT = ROOT / "bench" / "results" / "pages.json"
USERS = 8
THINK_SECONDS = [1, 3]
SEED = 6
PHOTOS = 20
FREQUENT_WORDS = 300
LOG_FORMAT = "%({x-kind}i)s %(s)s %(D)s %(U)s"


def draw_targets() -> dict[str, Any]:
    """Choose addresses and search words for the shoppers at random, with a fixed seed."""
    rng = random.Random(SEED)
    products = Product.objects.listed().in_stock().order_by("pk")
    counts = count(Product.objects.listed(), Filters())
    known = Category.objects.in_bulk(counts.categories)
    words = list(SearchWord.objects.order_by("-products", "word").values_list("word", flat=True))
    searched = [
        " ".join(rng.sample(words[:FREQUENT_WORDS], rng.choice([1, 1, 2]))) for _n in range(200)
    ]
    every = list(products.values_list("slug", flat=True))
    slugs = rng.sample(every, 500)
    tops = [category.get_absolute_url() for category in Category.objects.filter(parent=None)]
    leaves = [known[pk].get_absolute_url() for pk, n in counts.categories.items() if n >= 50]
    return {
        "seed": SEED,
        "categories": [*tops * 3, *leaves],
        "genders": [gender for gender in counts.genders if gender],
        "colours": sorted(counts.colours, key=lambda c: -counts.colours[c])[:20],
        "words": searched,
        "mistyped": [_mistyped(text, rng) for text in searched if len(text) > 4],
        "products": [f"/products/{slug}/" for slug in slugs],
        "alone": [f"/products/{slug}/" for slug in random.Random(SEED).sample(every, 2000)],
        "photos": [photo.get_absolute_url() for photo in _photos(rng)],
        "pages": counts.total // settings.CATALOGUE_PAGE_SIZE,
    }


def _mistyped(text: str, rng: random.Random) -> str:
    """Return the text with two adjacent letters swapped, as a typing mistake."""
    at = rng.randrange(len(text) - 2)
    return f"{text[:at]}{text[at + 1]}{text[at]}{text[at + 2 :]}"


def _photos(rng: random.Random) -> list[QueryPhoto]:
    """Create query photos from images of the shop and their stored embeddings."""
    embedded = EmbeddingModel.objects.active().embeddings.filter(status="embedded")
    keys = rng.sample(list(embedded.order_by("pk").values_list("pk", flat=True)), PHOTOS)
    rows = embedded.filter(pk__in=keys).select_related("image").order_by("pk")
    return [embedded_photo(row) for row in rows]


@contextmanager
def gunicorn(checkout: Path, arguments: list[str], log: Path) -> Any:
    """Run gunicorn with the code in the folder ``checkout``; yield the address of the shop."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "config.wsgi", *arguments]
    command += ["--bind", f"127.0.0.1:{port}", "--access-logfile", str(log)]
    command += ["--access-logformat", LOG_FORMAT]
    environment = {**os.environ, "VAR_DIR": str(settings.VAR_DIR)}
    process = subprocess.Popen(
        command, cwd=checkout, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{address}/health/ready", timeout=5)  # noqa: S310 - our own
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def run_load(
    address: str,
    log: Path,
    targets: Path,
    *,
    seconds: float,
    users: int,
    pause: bool,
    alone: int = 0,
) -> dict[str, Any]:
    """Let Locust's users request pages from the address; return client and server times."""
    client = targets.parent / "client.txt"
    client.write_text("")
    start = log.stat().st_size
    environment = os.environ | {
        "BENCH_TARGETS": str(targets),
        "BENCH_THINK": json.dumps(THINK_SECONDS if pause else None),
        "BENCH_CLIENT": str(client),
        "BENCH_ALONE": str(alone),
    }
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "bench" / "locustfile.py")]
    command += ["--headless", "--users", str(users), "--spawn-rate", str(users), "--only-summary"]
    command += ["--run-time", f"{seconds:.0f}s", "--host", address, "--stop-timeout", "10"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, env=environment, check=False, capture_output=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used
    with log.open() as lines:
        lines.seek(start)
        return {
            "users": users,
            "think_seconds": THINK_SECONDS if pause else 0,
            "seconds": seconds,
            "cores_used_by_locust": round(used / seconds, 2),
            **_summarise(lines.read().splitlines(), client.read_text().splitlines(), seconds),
        }


def _summarise(server: list[str], client: list[str], seconds: float) -> dict[str, Any]:
    """Summarise by kind of page the lines of gunicorn's access log and of Locust's log."""
    served: dict[str, list[float]] = defaultdict(list)
    viewed: Counter[str] = Counter()
    failed = 0
    for line in server:
        kind, status, microseconds, path = line.rsplit(" ", 3)
        served[kind].append(int(microseconds) / 1000)
        if kind == "product":
            viewed[path] += 1
        failed += not status.startswith(("2", "3"))
    waited: dict[str, list[float]] = defaultdict(list)
    for line in client:
        kind, milliseconds, _state = line.rsplit(" ", 2)
        waited[kind].append(float(milliseconds))
    pages = [kind for kind in served if kind not in ("picture", "event", "recently viewed", "-")]
    return {
        "requests_per_second": round(sum(map(len, served.values())) / seconds, 1),
        "pages_per_second": round(sum(len(served[kind]) for kind in pages) / seconds, 1),
        "failed": failed + sum(line.endswith("error") for line in client),
        "products_viewed_before": viewed.total() - len(viewed),
        "all_pages": {
            "server_ms": _percentiles([ms for kind in pages for ms in served[kind]]),
            "client_ms": _percentiles([ms for kind in pages for ms in waited[kind]]),
        },
        "kinds": {
            kind: {"server_ms": _percentiles(served[kind]), "client_ms": _percentiles(waited[kind])}
            for kind in sorted(served)
            if kind != "-"
        },
    }


def _percentiles(times: list[float]) -> dict[str, float]:
    if len(times) < 2:
        return {"n": len(times)}
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"n": len(times), **{f"p{p}": round(cuts[p - 1], 1) for p in (50, 95, 99)}}


def time_facets(targets: dict[str, Any], *, cached: bool) -> dict[str, Any]:
    """Time the counts beside the filters for 200 random filters, with or without the cache."""
    rng = random.Random(SEED)
    listed = Product.objects.listed()
    chosen: dict[str, list[str]] = {name: [] for name in FACETS}
    times = []
    for number in range(210):
        filters = Filters(
            genders=tuple(rng.sample(targets["genders"], rng.choice([0, 0, 1]))),
            colours=tuple(rng.sample(targets["colours"], rng.choice([0, 1, 2]))),
        )
        if not cached:
            cache.clear()
        started = time.perf_counter()
        facets(count(listed, filters), chosen)
        if number >= 10:
            times.append((time.perf_counter() - started) * 1000)
    return _percentiles(times)


def time_related() -> dict[str, Any]:
    """Time the recommendations of 200 products: first searched for, then taken from the cache.

    Both times include reading prices and stock from the database, because the pages always do so.
    """
    products = list(Product.objects.listed().in_stock().select_related("category")[:220])
    cached: list[float] = []
    searched: list[float] = []
    invalidate()
    for times in (searched, cached):
        for product in products:
            started = time.perf_counter()
            cards(related(product).similar)
            times.append((time.perf_counter() - started) * 1000)
    return {"searched": _percentiles(searched[20:]), "cached": _percentiles(cached[20:])}


def measure(
    checkout: Path,
    arguments: list[str],
    targets: Path,
    seconds: float,
    keep: Callable[[dict[str, Any]], None],
    *,
    cold: bool,
) -> None:
    """Run all loads on a checkout.

    ``keep`` is called with the results after each load, so that an interruption loses only one
    load.
    """
    log = targets.parent / "access.log"
    log.write_text("")
    found: dict[str, Any] = {"gunicorn": " ".join(arguments)}
    if cold:
        cache.clear()
    with gunicorn(checkout, arguments, log) as address:
        options: dict[str, Any] = {"log": log, "targets": targets}
        if cold:
            run = run_load(address, **options, seconds=seconds / 2, users=USERS, pause=True)
            found["cold"] = run
            keep(found)
        found["shoppers"] = run_load(address, **options, seconds=seconds, users=USERS, pause=True)
        keep(found)
        found["no_pause"] = run_load(
            address, **options, seconds=seconds / 2, users=USERS, pause=False
        )
        keep(found)
        cache.clear()
        pages = len(json.loads(targets.read_text())["alone"])
        for name in ("product_alone_cold", "product_alone"):
            run = run_load(
                address, **options, seconds=seconds / 4, users=1, pause=False, alone=pages
            )
            found[name] = run["kinds"]
            pages = run["kinds"]["product"]["server_ms"]["n"]
            keep(found)


def compare_models(models: list[str], targets: Path, seconds: float) -> dict[str, Any]:
    """Run ``no_pause`` with each pair of workers and threads, in this order and then reversed."""
    log = targets.parent / "access.log"
    found: dict[str, Any] = defaultdict(list)
    for model in [*models, *reversed(models)]:
        workers, threads = model.split("x")
        log.write_text("")
        arguments = ["--workers", workers, "--threads", threads]
        options: dict[str, Any] = {"log": log, "targets": targets, "users": USERS, "pause": False}
        with gunicorn(ROOT, arguments, log) as address:
            run_load(address, **options, seconds=3)  # warm-up
            run = run_load(address, **options, seconds=seconds)
        found[model].append({name: run[name] for name in ("pages_per_second", "all_pages")})
    return dict(found)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--models", default="")
    parser.add_argument("--gunicorn", default="-c python:config.gunicorn")
    parser.add_argument("--rival", type=Path, help="a checkout, in a folder named by its commit")
    parser.add_argument("--rival-gunicorn", default="--threads 8 --timeout 60")
    options = parser.parse_args()
    # Exit normally on SIGTERM, so that gunicorn is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    call_command("collectstatic", verbosity=0, interactive=False)
    folder = Path(tempfile.mkdtemp(prefix="bench-pages-"))
    path = folder / "targets.json"
    targets = draw_targets()
    path.write_text(json.dumps(targets))
    result: dict[str, Any] = {
        "environment": environment(),
        "products": Product.objects.listed().count(),
        "facet_counts_ms": time_facets(targets, cached=True),
        "facet_counts_uncached_ms": time_facets(targets, cached=False),
        "related_ms": time_related(),
    }
    connection.close()
    if options.models:
        compared = compare_models(options.models.split(","), path, options.seconds)
        kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        _write(kept | {"workers_x_threads": {**result, "no_pause": compared}})
        print(RESULT.read_text())
        return
    measure(
        ROOT,
        options.gunicorn.split(),
        path,
        options.seconds,
        lambda found: _write(result | found),
        cold=True,
    )
    if options.rival:
        ours = json.loads(RESULT.read_text())
        what = {"what": f"the shop as it was in {options.rival.name}"}
        measure(
            options.rival,
            options.rival_gunicorn.split(),
            path,
            options.seconds,
            lambda found: _write(ours | {"rival": what | found}),
            cold=False,
        )
    QueryPhoto.objects.filter(
        pk__in=[address.split("/")[-2] for address in targets["photos"]]
    ).delete()
    print(RESULT.read_text())


def _write(result: dict[str, Any]) -> None:
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
