"""Measure replication lag and WAL while embeddings are written as fast as PostgreSQL takes them.

    python bench/replica.py [VECTORS]

Starts a primary and a replica in a temporary folder. A thread writes VECTORS random embeddings as a
worker does, 64 in one statement, but without computing them, so it is faster than any worker.
Meanwhile, searches alternate between the replica and, for comparison, the primary. Prints one JSON
object and writes it to bench/results/replica.json.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from demo.servers import EmbeddedServers  # noqa: E402

FOLDER = Path(tempfile.mkdtemp(prefix="rep-", dir="/tmp"))
FOLDER.chmod(0o755)
# Exit handlers run in reverse order: the folder is deleted after the servers have stopped.
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
SERVERS = EmbeddedServers(FOLDER / "primary")
STANDBY_FOLDER = FOLDER / "standby"
os.environ |= {"VAR_DIR": str(SERVERS.folder), "DATABASE_URL": "", "REDIS_URL": ""}
os.environ["DATABASE_REPLICA_URL"] = (
    f"postgresql://postgres@{str(STANDBY_FOLDER).replace('/', '%2F')}/shop"
)

from bench.setup import set_up_django  # noqa: E402

set_up_django()

import numpy as np  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.embedding import worker  # noqa: E402
from recommender.embedding.preprocessing import Prepared  # noqa: E402
from recommender.models import DIMENSIONS, EmbeddingModel  # noqa: E402
from recommender.search.replica import ReplicaMonitor  # noqa: E402
from recommender.search.similar import ROW_SIZE, _nearest_to_product  # noqa: E402
from shop.catalogue.browsing.filters import Filters  # noqa: E402
from shop.catalogue.models import Category, Product, ProductImage  # noqa: E402
from tests.faults.standby import Standby  # noqa: E402

BATCH = 64
RNG = np.random.default_rng(1)


def vectors(count: int) -> np.ndarray:
    """Return random unit vectors of a 64-dimensional subspace, so that near neighbours exist."""
    points = RNG.normal(size=(count, 64)) @ BASIS
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float16)


BASIS = RNG.normal(size=(64, DIMENSIONS))


def add_products(count: int) -> list[tuple[int, str]]:
    """Add products with an image each; return the images' primary keys and files."""
    category, _new = Category.objects.get_or_create(name="Shirts")
    products = [
        Product(name=f"Shape {n}", slug=f"shape-{n}", category=category, price=9, stock=9)
        for n in range(count)
    ]
    Product.objects.bulk_create(products)
    images = [
        ProductImage(product=product, file=f"{n:064x}.jpg", width=60, height=80)
        for n, product in enumerate(products)
    ]
    ProductImage.objects.bulk_create(images)
    return [(image.pk, image.file) for image in images]


def write(model: EmbeddingModel, images: list[tuple[int, str]]) -> None:
    """Write random embeddings of these images as a worker does."""
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        parts = zip(batch, vectors(len(batch)), strict=True)
        worker._write(model, [worker.Row(*image, random_colour(), new) for image, new in parts])


def random_colour() -> Prepared:
    """Return a prepared image with a random colour and no pixels, because pixels are not stored."""
    return Prepared(np.empty(0, np.uint8), RNG.uniform(0, 60, 3).astype(np.float32))


def search_ms(server: str, product: Product) -> float:
    started = time.perf_counter()
    _nearest_to_product(server, product, Filters(), ROW_SIZE)
    return (time.perf_counter() - started) * 1000


def wal_position() -> int:
    """Return the number of bytes of WAL written so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
        return int(cursor.fetchone()[0])


def measure(count: int) -> dict[str, Any]:
    """Search on both servers and sample the replica's lag until all embeddings are written."""
    model = EmbeddingModel.objects.active()
    images = add_products(count)
    write(model, images[: count // 5])
    monitor, lags, unknown = ReplicaMonitor(), [], 0
    times: dict[str, list[float]] = {"primary": [], "replica": []}
    writer = threading.Thread(
        target=lambda: (write(model, images[count // 5 :]), connections.close_all())
    )
    products = list(Product.objects.select_related("category").order_by("pk")[:500])
    before, started = wal_position(), time.perf_counter()
    writer.start()
    while writer.is_alive():
        lag = monitor.check().lag
        unknown += lag is None
        lags += [] if lag is None else [lag * 1000]
        for name, server in (("primary", "default"), ("replica", "replica")):
            times[name].append(search_ms(server, products[len(lags) % 500]))
        time.sleep(0.02)
    seconds, written = time.perf_counter() - started, count - count // 5
    return {
        "vectors": written,
        "vectors_a_second": round(written / seconds),
        "wal_bytes_a_vector": round((wal_position() - before) / written),
        "lag_ms": {"p50": round(median(lags), 1), "p99": round(quantiles(lags, n=100)[98], 1)},
        "lag_samples": len(lags),
        "lag_unknown": unknown,
        "search_p50_ms": {name: round(median(each), 1) for name, each in times.items()},
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("vectors", type=int, nargs="?", default=10_000)
    count = parser.parse_args().vectors
    standby = Standby(SERVERS, STANDBY_FOLDER)
    try:
        call_command("migrate", verbosity=0)
        standby.copy()
        standby.start()
        result = {"environment": environment()}
        result |= measure(count)
        text = json.dumps(result, indent=1)
        (ROOT / "bench" / "results" / "replica.json").write_text(text + "\n")
        print(text)
    finally:
        connections.close_all()
        standby.stop()


if __name__ == "__main__":
    main()
