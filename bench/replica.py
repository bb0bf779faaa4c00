"""How far a replica is behind while vectors are written as fast as can be, and the WAL they make.

    python bench/replica.py [VECTORS]

Two servers of its own in a temporary folder. A thread writes vectors as a worker does, 64 in one
statement, without a network before it: faster than any worker here. Meanwhile searches go to the
replica and to the primary in turn; the primary is the rival.
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
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)  # after the servers have stopped
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
CHANCE = np.random.default_rng(1)


def vectors(count: int) -> np.ndarray:
    """Of length 1, in 64 directions, so that neighbours exist."""
    points = CHANCE.normal(size=(count, 64)) @ BASIS
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float16)


BASIS = CHANCE.normal(size=(64, DIMENSIONS))


def fill(count: int) -> list[tuple[int, str]]:
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
    for at in range(0, len(images), BATCH):
        batch = images[at : at + BATCH]
        parts = zip(batch, vectors(len(batch)), strict=True)
        worker._write(model, [worker.Row(*image, drawn(), vector) for image, vector in parts])


def drawn() -> Prepared:
    """Return a colour at random."""
    return Prepared(np.empty(0, np.uint8), CHANCE.uniform(0, 60, 3).astype(np.float32))


def search_ms(server: str, product: Product) -> float:
    started = time.perf_counter()
    _nearest_to_product(server, product, Filters(), ROW_SIZE)
    return (time.perf_counter() - started) * 1000


def position() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
        return int(cursor.fetchone()[0])


def measure(count: int) -> dict[str, Any]:
    model = EmbeddingModel.objects.active()
    images = fill(count)
    write(model, images[: count // 5])
    monitor, lags, missed = ReplicaMonitor(), [], 0
    times: dict[str, list[float]] = {"primary": [], "replica": []}
    writer = threading.Thread(
        target=lambda: (write(model, images[count // 5 :]), connections.close_all())
    )
    products = list(Product.objects.select_related("category").order_by("pk")[:500])
    before, started = position(), time.perf_counter()
    writer.start()
    while writer.is_alive():
        lag = monitor.check().lag
        missed += lag is None
        lags += [] if lag is None else [lag * 1000]
        for name, server in (("primary", "default"), ("replica", "replica")):
            times[name].append(search_ms(server, products[len(lags) % 500]))
        time.sleep(0.02)
    seconds, written = time.perf_counter() - started, count - count // 5
    return {
        "vectors": written,
        "vectors_a_second": round(written / seconds),
        "wal_bytes_a_vector": round((position() - before) / written),
        "lag_ms": {"p50": round(median(lags), 1), "p99": round(quantiles(lags, n=100)[98], 1)},
        "lag_samples": len(lags),
        "lag_unknown": missed,
        "search_p50_ms": {name: round(median(each), 1) for name, each in times.items()},
    }


if __name__ == "__main__":
    standby = Standby(SERVERS, STANDBY_FOLDER)
    try:
        call_command("migrate", verbosity=0)
        standby.copy()
        standby.start()
        result = {"environment": environment()}
        result |= measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
        text = json.dumps(result, indent=1)
        (ROOT / "bench" / "results" / "replica.json").write_text(text + "\n")
        print(text)
    finally:
        connections.close_all()
        standby.stop()
