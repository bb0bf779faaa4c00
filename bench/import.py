"""How fast the catalogue import is, against a loop that saves product by product.

``python bench/import.py [PATH] [--limit N] [--rounds 3]`` makes a fresh database in a temporary
folder, imports into it ROUNDS times, emptied before each, prints one JSON object and keeps it in
bench/results/import.json. Memory is this process's, at each quarter of the rows.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
DATA = Path("/work/shared/data/fashion-products.zip")
RESULT = ROOT / "bench" / "results" / "import.json"
NAIVE_ROWS = 1000
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=DATA)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not options.path.exists():
        sys.exit(f"{options.path} is missing: name a catalogue, a folder or a ZIP.")
    _start_django()
    result = measure(options.path, options.limit, options.rounds)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def _start_django() -> None:
    """Start a fresh database, whatever the environment names, that is deleted at exit."""
    folder = tempfile.mkdtemp(prefix="bench-import-")
    # Registered before the handler that stops the servers, so called after it.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {"VAR_DIR": folder, "DATABASE_URL": "", "REDIS_URL": ""}
    sys.path.insert(0, str(ROOT))
    from django.core.management import call_command

    from bench.setup import set_up_django

    set_up_django()
    call_command("migrate", verbosity=0)


def measure(path: Path, limit: int | None, rounds: int) -> dict[str, Any]:
    from shop.imports.jobs.run import import_catalogue

    naive_rows, naive_seconds = _import_naively(path)
    runs = []
    for _ in range(rounds):
        _empty()
        runs.append(_import(path, limit))
    first, seconds = runs[0][0], median(seconds for _result, seconds, _memory in runs)
    again, again_seconds = _timed(lambda: import_catalogue(path, limit=limit))
    rate, naive_rate = first.read / seconds, naive_rows / naive_seconds
    return {
        "rows": first.read,
        "imported": first.imported,
        "rejected": first.rejected,
        "seconds": round(seconds, 1),
        "seconds_of_each_round": [round(seconds, 1) for _result, seconds, _memory in runs],
        "rows_per_second": round(rate),
        "images_per_second": round(first.new_pictures / seconds),
        "memory_mb_at_quarters": [memory for _result, _seconds, memory in runs],
        "second_run": {
            "seconds": round(again_seconds, 1),
            "imported": again.imported,
            "updated": again.updated,
            "unchanged": again.unchanged,
        },
        "naive": {
            "what": "Product.save() and read_picture().save(), one by one",
            "rows": naive_rows,
            "seconds": round(naive_seconds, 1),
            "rows_per_second": round(naive_rate),
        },
        "times_faster_than_naive": round(rate / naive_rate, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "environment": _environment(),
    }


def _import(path: Path, limit: int | None) -> tuple[Any, float, list[int]]:
    """The result, its seconds, and the memory when it began and after each quarter."""
    from shop.imports.jobs.run import import_catalogue

    memory = [_resident_mb()]

    def follow(done: int, total: int) -> None:
        if done * 4 >= total * len(memory):
            memory.append(_resident_mb())

    result, seconds = _timed(lambda: import_catalogue(path, limit=limit, progress=follow))
    return result, seconds, memory


def _resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1024**2)


def _empty() -> None:
    from django.db import connection

    tables = "catalogue_product, catalogue_category, catalogue_productimage, catalogue_storedfile"
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def _import_naively(path: Path) -> tuple[int, float]:
    """The loop that one would write first, timed alone."""
    from shop.imports.parsing.rows import parse_row
    from shop.imports.parsing.source import open_source
    from shop.imports.parsing.table import read_table

    with open_source(path) as source:
        records = islice(read_table(source).records(), NAIVE_ROWS)
        rows = [parse_row(record) for record in records]
        return _timed(lambda: sum(_save_naively(source, row) for row in rows))


def _save_naively(source: Any, row: Any) -> int:
    from shop.catalogue.images.pictures import read_picture
    from shop.catalogue.models import Category, Product, ProductImage, Variant
    from shop.imports.writing.sample_data import sample_price, sample_stock

    category = None
    for name in row.tree:
        category, _created = Category.objects.get_or_create(name=name, parent=category)
    product = Product(external_id=row.external_id, category=category, **row.said)
    product.price = sample_price(row.external_id, row.tree[0], row.tree[2])
    product.save()
    Variant(product=product, sku=row.external_id, stock=sample_stock(row.external_id)).save()
    for position, name in enumerate(source.pictures_of(row.external_id)):
        picture = read_picture(source.read_picture_file(name))
        width, height = picture.image.size
        image = ProductImage(product=product, file=picture.save(), position=position)
        image.width, image.height = width, height
        image.save()
    return 1


def _environment() -> dict[str, Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    return {
        "cpus": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "postgres": version,
        "machine": platform.machine(),
    }


if __name__ == "__main__":
    main()
