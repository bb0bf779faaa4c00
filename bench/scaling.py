"""Measure what one product costs: bytes in each table and index, CPU time of each search.

    VAR_DIR=... python bench/scaling.py [SEARCHES]

Needs an embedded catalogue, which it only reads. The CPU time of a search is what the kernel
counted for its PostgreSQL backend and for this process, so it does not include waiting or other
load on the machine. For comparison, the same search is timed without the index. Prints one
JSON object and writes it to bench/results/scaling.json.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.core.cache import cache  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.search.similar import similar_ids  # noqa: E402
from shop.catalogue.browsing.facets import count as count_products  # noqa: E402
from shop.catalogue.browsing.filters import Filters  # noqa: E402
from shop.catalogue.models import Product, ProductImage  # noqa: E402

ROUNDS = 5
TABLES = ("catalogue_product", "catalogue_variant", "catalogue_productimage")
TABLES += ("recommender_embedding_blue", "recommender_embedding_green")
FILES = "catalogue_storedfile"
SIZES = """
SELECT pg_relation_size(oid), COALESCE(pg_total_relation_size(NULLIF(reltoastrelid, 0)), 0),
    pg_indexes_size(oid) FROM pg_class WHERE oid = %s::regclass"""
INDEXES = """SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index
WHERE indrelid = ANY(ARRAY['recommender_embedding_blue', 'recommender_embedding_green']::regclass[])
ORDER BY 1"""
EXACT = """SELECT product_id FROM {table}
ORDER BY embedding <-> (SELECT embedding FROM {table} WHERE image_id = %s) LIMIT 6"""


def rows(sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def bytes_a_product(products: int) -> dict[str, Any]:
    """Return the bytes per product of each table, each embedding index and the whole database."""
    sizes: dict[str, Any] = {}
    for table in (*TABLES, FILES):
        heap, toast, indexes = rows(SIZES, table)[0]
        parts = {"heap": heap, "out_of_line": toast, "indexes": indexes}
        sizes[table] = {name: round(size / products) for name, size in parts.items()}
    each = {name: round(size / products) for name, size in rows(INDEXES)}
    ((database,),) = rows("SELECT pg_database_size(current_database())")
    return {"tables": sizes, "embedding_indexes": each, "database": round(database / products)}


def cpu_seconds() -> tuple[float, float]:
    """Return the CPU seconds of this connection's PostgreSQL backend and of this process."""
    ((pid,),) = rows("SELECT pg_backend_pid()")
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK"), time.process_time()


def cost(search: Callable[[Any], object], subjects: Sequence[Any]) -> dict[str, float]:
    """Return the CPU milliseconds per search: medians over the rounds, and their range."""
    for subject in subjects:
        search(subject)  # warm-up: reads pages into memory
    found: list[tuple[float, float, float]] = []
    for _round in range(ROUNDS):
        backend, here = cpu_seconds()
        started = time.perf_counter()
        for subject in subjects:
            search(subject)
        elapsed = time.perf_counter() - started
        backend_after, here_after = cpu_seconds()
        found.append((backend_after - backend, here_after - here, elapsed))
    database, web, clock = (
        sorted(s * 1000 / len(subjects) for s in each) for each in zip(*found, strict=True)
    )
    return {
        "database_ms": round(median(database), 3),
        "database_ms_spread": round(database[-1] - database[0], 3),
        "web_ms": round(median(web), 3),
        "clock_ms": round(median(clock), 3),
        "searches_a_second_a_database_core": round(1000 / median(database)),
    }


def list_counts(number: int) -> object:
    """Compute the counts beside all filters for the whole catalogue, with an empty cache."""
    cache.clear()
    return count_products(Product.objects.listed(), Filters())


def search_exactly(image: ProductImage) -> object:
    table = EmbeddingModel.objects.active().table
    with transaction.atomic():
        rows("SELECT set_config('enable_indexscan', 'off', true)")
        return rows(EXACT.format(table=table), image.pk)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("searches", type=int, nargs="?", default=100)
    searches = parser.parse_args().searches
    count = Product.objects.count()
    result: dict[str, Any] = {"environment": environment(), "products": count}
    result["pictures"] = ProductImage.objects.count()
    result["bytes_a_product"] = bytes_a_product(count)
    products = list(Product.objects.listed().select_related("category").order_by("?")[:searches])
    result["nearest_five"] = cost(similar_ids, products)
    result["counts_beside_the_list"] = cost(list_counts, range(10))
    images = list(ProductImage.objects.order_by("?").only("pk")[:5])
    result["without_the_index"] = cost(search_exactly, images)
    text = json.dumps(result, indent=1)
    (ROOT / "bench" / "results" / "scaling.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
