"""Measure what each stage costs as the catalogue grows.

    VAR_DIR=var/growth python bench/growth.py FACTOR

VAR_DIR must be a disposable copy of the embedded real catalogue, without generated products.
bench/million.py enlarges it to FACTOR times its images, by products that have embeddings but no
image files. FACTOR 1 measures the catalogue unchanged; FACTOR 0 measures a catalogue that
bench/million.py has already enlarged. These stages are timed in this process, on real products:

- ``embed``: claiming a batch of images and writing its embeddings; images per second of the whole
  pipeline, also as a share of the speed of OpenVINO alone.
- ``nearest``: the search for a product's similar items. ``exact``, for comparison, searches without
  the index and compares the product with all embeddings.
- ``photo``: the results page of a photo that is already embedded, because the time to embed a photo
  does not depend on the size of the catalogue.
- ``home``, ``category``, ``filtered``, ``words`` (a text search), ``product``: these pages.
- ``import``: the import of 2,000 new rows with pictures.

Prints one JSON object with the results of all sizes and stores it in bench/results/growth.json,
replacing earlier results of the same size.
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

from bench.arguments import argument_parser  # noqa: E402
from bench.embed import raw_openvino, reset_embeddings  # noqa: E402
from bench.embeddings import embedded_photo  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.embedding import inference, queue, worker  # noqa: E402
from recommender.embedding.preprocessing import Prepared, decode  # noqa: E402
from recommender.models import EmbeddingModel, QueryPhoto  # noqa: E402
from recommender.search.similar import similar_to_product  # noqa: E402
from shop.catalogue.models import Product, ProductImage, StoredFile  # noqa: E402
from shop.imports.jobs.run import import_catalogue  # noqa: E402

QUERIES, PAGES, BATCHES, EXACT_QUERIES, ROWS = 300, 60, 60, 3, 2000
WARM_UP = 5
COLUMNS = "id gender masterCategory subCategory articleType baseColour season year usage"
EXACT = """SELECT product_id FROM {table} WHERE available ORDER BY embedding <-> (
    SELECT embedding FROM {table} WHERE product_id = %(source)s LIMIT 1) LIMIT 6"""


def milliseconds(work: Callable[[Any], object], subjects: Iterable[Any]) -> dict[str, float]:
    """Time ``work`` on each subject after a warm-up; return the median and the 99th percentile."""
    subjects = list(subjects)
    for subject in subjects[:WARM_UP]:
        work(subject)
    return milliseconds_cold(work, subjects)


def milliseconds_cold(work: Callable[[Any], object], subjects: Iterable[Any]) -> dict[str, float]:
    """Time ``work`` on each subject without a warm-up; return median and 99th percentile."""
    times = []
    for subject in subjects:
        started = time.perf_counter()
        work(subject)
        times.append((time.perf_counter() - started) * 1000)
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2)}


def nearest(model: EmbeddingModel, products: list[Product]) -> dict[str, Any]:
    """Time the search for similar items, by the index and exactly."""

    def exact(product: Product) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            cursor.execute(EXACT.format(table=model.table), {"source": product.pk})
            cursor.fetchall()

    return {
        "nearest": milliseconds(similar_to_product, products),
        "exact": milliseconds(exact, products[:EXACT_QUERIES]),
    }


def pages(products: list[Product]) -> dict[str, Any]:
    """Time each kind of page in this process; the cache is emptied once, before the first."""
    client = Client(SERVER_NAME="localhost")
    settings.SECURE_SSL_REDIRECT = False
    cache.clear()
    rng = random.Random(6)
    categories = [product.category.get_absolute_url() for product in products[:PAGES]]
    colours = [f"/products/?colour={product.base_colour}" for product in products[:PAGES]]
    words = [f"/search/?q={rng.choice(product.name.split())}" for product in products[:PAGES]]
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
    """Time the results pages of photos that are already embedded."""
    client = Client(SERVER_NAME="localhost")
    rows = model.embeddings.filter(product__in=products[:PAGES]).select_related("image")
    photos = [embedded_photo(row) for row in rows]
    found = milliseconds(lambda one: client.get(one.get_absolute_url()), photos)
    QueryPhoto.objects.filter(pk__in=[one.pk for one in photos]).delete()
    return found


def embed(model: EmbeddingModel) -> dict[str, Any]:
    """Make the newest images pending; time claims and writes, then the whole pipeline.

    To time writes alone, a third of the images get their old embeddings back instead of new ones.
    """
    size = settings.EMBED_BATCH * BATCHES
    real = model.embeddings.exclude(product__external_id__startswith="made-")
    newest = list(real.select_related("image").order_by("-pk")[:size])
    old_rows = {
        row.pk: worker.Row(
            row.pk,
            row.image.file,
            Prepared(np.empty(0, np.uint8), np.array(row.colour, np.float32)),
            np.array(row.embedding, np.float32),
        )
        for row in newest
    }
    reset_embeddings(model, size, list(old_rows))
    cursor = queue.ClaimCursor(model)
    claimed: list[list[tuple[int, str]]] = []

    def write(batch: list[tuple[int, str]]) -> None:
        worker._write(model, [old_rows[pk] for pk, _file in batch])

    claims = milliseconds(lambda _n: claimed.append(cursor.claim()), range(BATCHES // 3 - WARM_UP))
    for batch in claimed[:WARM_UP]:
        write(batch)
    writes = milliseconds_cold(write, claimed[WARM_UP:])
    return {"claim": claims, "write": writes, **embed_rest(model)}


def embed_rest(model: EmbeddingModel) -> dict[str, float]:
    """Embed the images that are still pending; compare the speed with that of OpenVINO alone.

    The network is loaded before the timing, because loading does not depend on the catalogue.
    """
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


def import_new() -> dict[str, float]:
    """Import new products with copies of real pictures, then delete them."""
    files = list(StoredFile.objects.filter(name__endswith=".jpg").order_by("name")[:ROWS])
    with TemporaryDirectory() as folder:
        images = Path(folder, "images")
        images.mkdir()
        with Path(folder, "styles.csv").open("w", newline="") as table:
            rows = csv.writer(table)
            rows.writerow([*COLUMNS.split(), "productDisplayName"])
            for number, file in enumerate(files):
                name = f"new-{number}"
                shirt = ["Men", "Apparel", "Topwear", "Shirts", "Blue", "Summer", "2012", "Casual"]
                rows.writerow([name, *shirt, f"Shirt {name}"])
                (images / f"{name}.jpg").write_bytes(file.content)
        started = time.perf_counter()
        result = import_catalogue(Path(folder), sample_data=True)
        seconds = time.perf_counter() - started
    if result.imported != ROWS:
        raise SystemExit(f"{result.imported} of {ROWS} rows were imported.")
    Product.objects.filter(external_id__startswith="new-").delete()
    return {"rows_per_second": round(ROWS / seconds, 1)}


def grow(images: int) -> None:
    """Enlarge the catalogue to this number of images."""
    subprocess.run(
        [sys.executable, "-W", "ignore", ROOT / "bench" / "million.py", str(images)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def measure() -> dict[str, Any]:
    """Time all stages at the current size of the catalogue."""
    model = EmbeddingModel.objects.active()
    listed = Product.objects.listed().in_stock().select_related("category").defer("search")
    # Generated products are left out, so that the queries are the same at each size.
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
        "import": import_new(),
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("factor", type=int)
    factor = parser.parse_args().factor
    call_command("collectstatic", verbosity=0, interactive=False)
    first = ProductImage.objects.exclude(product__external_id__startswith="made-").count()
    path = ROOT / "bench" / "results" / "growth.json"
    kept = json.loads(path.read_text())["sizes"] if path.exists() else []
    sizes = {size["pictures"]: size for size in kept}
    if factor > 1:
        grow(first * factor)
    size = measure()
    sizes[size["pictures"]] = size
    text = json.dumps({"sizes": [sizes[key] for key in sorted(sizes)]}, indent=1)
    path.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
