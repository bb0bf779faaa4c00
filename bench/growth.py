"""What each stage costs as the catalogue grows.

    VAR_DIR=var/growth python bench/growth.py FACTOR

The database must hold the embedded real catalogue and nothing that is needed, and no products that
were made before: bench/million.py adds some made from its own, which have vectors and no files. One
factor a copy, then; 0 stands for the size that is there. At each size the same stages are timed in
this process, on the real products:

- ``embed``: a batch of 64 claimed, and its embeddings written; and pictures a second with the
  network, also as a part of OpenVINO's alone.
- ``nearest``: the five of a product; ``exact`` is the rival, the paper's way: all are compared.
- ``photo``: the results page of a photo that was looked at (the network's part knows no size).
- pages: home, a category, a filtered list, a search by words, a product.
- ``import``: 2,000 new rows with pictures.

Prints one JSON object and keeps it in bench/results/growth.json, each size in place of what was
known of it.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.conf import settings  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402

from bench.embed import forget, raw_openvino  # noqa: E402
from bench.embeddings import embedded_photo  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.embedding import inference, queue, worker  # noqa: E402
from recommender.embedding.preprocessing import Prepared, decode  # noqa: E402
from recommender.models import EmbeddingModel, QueryPhoto  # noqa: E402
from recommender.search.similar import similar_to_product  # noqa: E402
from shop.catalogue.models import Product, ProductImage, StoredFile  # noqa: E402
from shop.imports.jobs.run import import_catalogue  # noqa: E402

QUERIES, PAGES, BATCHES, EXACTS, ROWS = 300, 60, 60, 3, 2000
COLUMNS = "id gender masterCategory subCategory articleType baseColour season year usage"
EXACT = """SELECT product_id FROM {table} WHERE available ORDER BY embedding <-> (
    SELECT embedding FROM {table} WHERE product_id = %(source)s LIMIT 1) LIMIT 6"""


def milliseconds(work: Callable[[Any], object], things: Iterable[Any]) -> dict[str, float]:
    """Each thing once, after five to warm up."""
    things = list(things)
    for thing in things[:5]:
        work(thing)
    return once(work, things)


def once(work: Callable[[Any], object], things: Iterable[Any]) -> dict[str, float]:
    times = []
    for thing in things:
        started = time.perf_counter()
        work(thing)
        times.append((time.perf_counter() - started) * 1000)
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2)}


def nearest(model: EmbeddingModel, products: list[Product]) -> dict[str, Any]:
    def exact(product: Product) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            cursor.execute(EXACT.format(table=model.table), {"source": product.pk})
            cursor.fetchall()

    return {
        "nearest": milliseconds(similar_to_product, products),
        "exact": milliseconds(exact, products[:EXACTS]),
    }


def pages(products: list[Product]) -> dict[str, Any]:
    """Server time in this process; what is remembered between pages is forgotten first."""
    client = Client(SERVER_NAME="localhost")
    settings.SECURE_SSL_REDIRECT = False
    cache.clear()
    dice = random.Random(6)
    categories = [product.category.get_absolute_url() for product in products[:PAGES]]
    colours = [f"/products/?colour={product.base_colour}" for product in products[:PAGES]]
    words = [f"/search/?q={dice.choice(product.name.split())}" for product in products[:PAGES]]
    addresses = {
        "home": ["/"] * PAGES,
        "category": categories,
        "filtered": colours,
        "words": words,
        "product": [product.get_absolute_url() for product in products[:PAGES]],
    }

    def get(address: str) -> None:
        response = client.get(address)
        if response.status_code != 200:
            raise SystemExit(f"{address} answers {response.status_code}.")

    return {name: milliseconds(get, urls) for name, urls in addresses.items()}


def photo(model: EmbeddingModel, products: list[Product]) -> dict[str, float]:
    client = Client(SERVER_NAME="localhost")
    rows = model.embeddings.filter(product__in=products[:PAGES]).select_related("image")
    photos = [embedded_photo(row) for row in rows]
    found = milliseconds(lambda one: client.get(one.get_absolute_url()), photos)
    QueryPhoto.objects.filter(pk__in=[one.pk for one in photos]).delete()
    return found


def embed(model: EmbeddingModel) -> dict[str, Any]:
    """Let the newest images wait; a third get their embeddings back, the rest new ones."""
    size = settings.EMBED_BATCH * BATCHES
    real = model.embeddings.exclude(product__external_id__startswith="made-")
    newest = list(real.select_related("image").order_by("-pk")[:size])
    kept = {
        row.pk: worker.Row(
            row.pk,
            row.image.file,
            Prepared(np.empty(0, np.uint8), np.array(row.colour, np.float32)),
            np.array(row.embedding, np.float32),
        )
        for row in newest
    }
    forget(model, size, list(kept))
    cursor = queue.ClaimCursor(model)
    claimed: list[list[tuple[int, str]]] = []

    def write(batch: list[tuple[int, str]]) -> None:
        worker._write(model, [kept[pk] for pk, _file in batch])

    claims = milliseconds(lambda _n: claimed.append(cursor.claim()), range(BATCHES // 3 - 5))
    for batch in claimed[:5]:
        write(batch)
    writes = once(write, claimed[5:])
    return {"claim": claims, "write": writes, **embedded(model)}


def embedded(model: EmbeddingModel) -> dict[str, float]:
    """Embed what is left; the network is loaded before, as it does not grow."""
    streams, batch = worker.INFERENCE_STREAMS, inference.INFERENCE_BATCH
    network = inference.embedder(model, streams)
    images = ProductImage.objects.order_by("pk")[:512]
    pixels = [decode(image.read(), network.input_size) for image in images]
    raw = [raw_openvino(network, pixels, batch, streams)]
    started = time.perf_counter()
    done = worker.embed_pending(model).embedded
    rate = done / (time.perf_counter() - started)
    raw.append(raw_openvino(network, pixels, batch, streams))
    return {
        "pictures": done,
        "pictures_per_second": round(rate, 1),
        "of_raw_openvino": round(rate * len(raw) / sum(raw), 3),
    }


def imported() -> dict[str, float]:
    """New products, whose pictures are real ones; they go again."""
    files = list(StoredFile.objects.filter(name__endswith=".jpg").order_by("name")[:ROWS])
    with TemporaryDirectory() as folder:
        images = Path(folder, "images")
        images.mkdir()
        with Path(folder, "styles.csv").open("w", newline="") as table:
            rows = csv.writer(table)
            rows.writerow([*COLUMNS.split(), "productDisplayName"])
            for place, file in enumerate(files):
                name = f"new-{place}"
                shirt = ["Men", "Apparel", "Topwear", "Shirts", "Blue", "Summer", "2012", "Casual"]
                rows.writerow([name, *shirt, f"Shirt {name}"])
                (images / f"{name}.jpg").write_bytes(file.content)
        started = time.perf_counter()
        result = import_catalogue(Path(folder), sample_data=True)
        seconds = time.perf_counter() - started
    if result.imported != ROWS:
        raise SystemExit(f"{result.imported} of {ROWS} rows came in.")
    Product.objects.filter(external_id__startswith="new-").delete()
    return {"rows_per_second": round(ROWS / seconds, 1)}


def grow(number: int) -> None:
    subprocess.run(
        [sys.executable, "-W", "ignore", ROOT / "bench" / "million.py", str(number)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def measured() -> dict[str, Any]:
    model = EmbeddingModel.objects.active()
    listed = Product.objects.listed().in_stock().select_related("category").defer("search")
    # The same at each size: those that were there from the beginning.
    real = listed.exclude(external_id__startswith="made-").order_by("pk")
    products = random.Random(3).sample(list(real), QUERIES)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_relation_size(%s), pg_database_size(current_database())",
            [f"embedding_{model.slot}_hnsw"],
        )
        index, database = cursor.fetchone()
    return {
        "pictures": ProductImage.objects.count(),
        "environment": environment(),
        "index_mb": round(index / 2**20, 1),
        "database_mb": round(database / 2**20),
        **nearest(model, products),
        "photo": photo(model, products),
        **pages(products),
        "embed": embed(model),
        "import": imported(),
    }


if __name__ == "__main__":
    call_command("collectstatic", verbosity=0, interactive=False)
    first = ProductImage.objects.exclude(product__external_id__startswith="made-").count()
    path = ROOT / "bench" / "results" / "growth.json"
    kept = json.loads(path.read_text())["sizes"] if path.exists() else []
    sizes = {size["pictures"]: size for size in kept}
    factor = int(sys.argv[1])
    if factor > 1:
        grow(first * factor)
    size = measured()
    sizes[size["pictures"]] = size
    text = json.dumps({"sizes": [sizes[key] for key in sorted(sizes)]}, indent=1)
    path.write_text(text + "\n")
    print(text)
