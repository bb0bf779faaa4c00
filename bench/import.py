"""Measure the speed and memory of the catalogue import, compared with saving one by one.

    python bench/import.py PATH [--limit N] [--rounds 3]
        [--prices] [--rival CHECKOUT --rival-folder VAR_DIR]

Creates a database in a temporary folder and imports PATH into it ROUNDS times; its tables are
emptied before each round. Memory is that of this process at the start and after each quarter of the
rows. Two things are compared with the import: a loop that saves one product at a time, and the
import of another checkout (``--rival``), which takes turns with this one. Prints one JSON object
and stores it in bench/results/import.json.

``--prices`` instead imports PATH with a new price in every row into the embedded catalogue of
``VAR_DIR``, which must be a disposable copy that was imported from PATH. The result is stored as
``new_prices``, with the number of rows updated in the table of embeddings, which a new price should
not touch. The rival then imports into the embedded catalogue of ``--rival-folder``.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "bench" / "results" / "import.json"
NAIVE_ROWS = 1000
T = TypeVar("T")
AskRival = Callable[..., Any]
RIVAL = """
import importlib
from pathlib import Path

bench = importlib.import_module("bench.import")
bench._start_django()

def answer(path, limit):
    bench._empty()
    return bench._import(Path(path), limit)[1]
"""
RIVAL_PRICES = """
import importlib
from pathlib import Path
import django

django.setup()
bench = importlib.import_module("bench.import")

def answer(path):
    result, seconds, _memory = bench._import(Path(path), None)
    return [result.read, result.updated, seconds]
"""
UPDATES = """SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = %s"""


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from bench.arguments import argument_parser

    parser = argument_parser(__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prices", action="store_true")
    parser.add_argument("--rival", type=Path)
    parser.add_argument("--rival-folder", type=Path)
    options = parser.parse_args()
    if not options.path.exists():
        sys.exit(f"{options.path} is missing.")
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    if options.prices:
        result = kept | {"new_prices": new_prices(options)}
    else:
        _start_django()
        found = {"new_prices": kept["new_prices"]} if "new_prices" in kept else {}
        result = measure(options) | found
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def _start_django() -> None:
    """Set up Django on a new database, deleted at exit, and ignore the environment's database."""
    folder = tempfile.mkdtemp(prefix="bench-import-")
    # Exit handlers run in reverse order: the folder is deleted after the servers have stopped.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {"VAR_DIR": folder, "DATABASE_URL": "", "REDIS_URL": ""}
    from django.core.management import call_command

    from bench.setup import set_up_django

    set_up_django()
    call_command("migrate", verbosity=0)


def measure(options: Namespace) -> dict[str, Any]:
    """Import into an empty database in each round; then import again, which changes nothing."""
    from bench.environment import environment
    from shop.imports.jobs.run import import_catalogue

    path, limit = options.path, options.limit
    naive_rows, naive_seconds = _import_naively(path)
    runs, rival_seconds = [], []
    with _rival(options, RIVAL) as ask_rival:
        for _ in range(options.rounds):
            _empty()
            runs.append(_import(path, limit))
            rival_seconds += [ask_rival(str(path), limit)] if ask_rival else []
    first, seconds = runs[0][0], median(seconds for _result, seconds, _memory in runs)
    again, again_seconds = _timed(lambda: import_catalogue(path, limit=limit, sample_data=True))
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
        **_compare(options, [seconds for _result, seconds, _memory in runs], rival_seconds),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "environment": environment(),
    }


@contextmanager
def _rival(options: Namespace, code: str) -> Iterator[AskRival | None]:
    """Yield a function that imports with the rival checkout, or ``None`` without ``--rival``.

    Without ``--prices`` the rival imports into a new database, not into that of ``--rival-folder``.
    """
    from bench.rivals import rival

    named = rival(options.rival, options.rival_folder, code) if options.rival else nullcontext()
    with named as ask_rival:
        yield ask_rival


def _compare(
    options: Namespace, our_seconds: list[float], rival_seconds: list[float]
) -> dict[str, Any]:
    if not rival_seconds:
        return {}
    speeds = [rival / our for our, rival in zip(our_seconds, rival_seconds, strict=True)]
    return {
        "rival": {
            "checkout": options.rival.name,
            "seconds_of_each_round": [round(seconds, 1) for seconds in rival_seconds],
            "our_speed_of_theirs": round(median(speeds), 3),
        }
    }


def new_prices(options: Namespace) -> dict[str, Any]:
    """Import new prices ROUNDS times; each round raises the prices of the round before."""
    from bench.environment import environment
    from bench.setup import set_up_django

    set_up_django()
    from recommender.models import EmbeddingModel

    table = EmbeddingModel.objects.active().table
    our_seconds, rival_seconds, updates = [], [], []
    with tempfile.TemporaryDirectory() as folder, _rival(options, RIVAL_PRICES) as ask_rival:
        for number in range(options.rounds):
            path = _write_priced(options.path, Path(folder, f"{number}.zip"), number)
            before = _updates(table)
            result, seconds, _memory = _import(path, None)
            if not result.updated:
                sys.exit("No product was updated: VAR_DIR holds another catalogue than PATH.")
            our_seconds.append(seconds)
            after = _updates(table)
            updates.append({name: after[name] - before[name] for name in after})
            rival_seconds += [ask_rival(str(path))[2]] if ask_rival else []
    return {
        "rows": result.read,
        "updated": result.updated,
        "seconds_of_each_round": [round(seconds, 1) for seconds in our_seconds],
        "rows_per_second": round(result.read / median(our_seconds)),
        "embedding_table": table,
        "embedding_table_updates_by_round": updates,
        **_compare(options, our_seconds, rival_seconds),
        "environment": environment(),
    }


def _updates(table: str) -> dict[str, int]:
    """Return PostgreSQL's counts of the table's row updates and of the HOT updates among them."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        cursor.execute(UPDATES, [table])
        return dict(zip(("n_tup_upd", "n_tup_hot_upd"), cursor.fetchone(), strict=True))


def _write_priced(source: Path, target: Path, number: int) -> Path:
    """Write a copy of the ZIP with a price in every row; prices increase with ``number``."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename.endswith(".csv"):
                content = _with_prices(content.decode(), number).encode()
            new.writestr(info, content)
    return target


def _with_prices(table: str, number: int) -> str:
    """Return the CSV with a column of prices added.

    The last column, the product name, may contain unquoted commas; therefore a row is split into no
    more fields than the header has.
    """
    header, *rows = table.splitlines()
    lines = [f"{header},price"]
    for place, row in enumerate(rows):
        *fields, name = row.split(",", header.count(","))
        quoted = '"' + name.strip('"').replace('"', '""') + '"'
        # Prices of 1,000 and more are above all sample prices, so every row changes its product.
        lines.append(",".join([*fields, quoted, f"{1000 + number + place % 1000}.37"]))
    return "\n".join(lines) + "\n"


def _import(path: Path, limit: int | None) -> tuple[Any, float, list[int]]:
    """Import the catalogue; return result, seconds, and memory at the start and each quarter."""
    from shop.imports.jobs.run import import_catalogue

    memory = [_resident_mb()]

    def sample_memory(done: int, total: int) -> None:
        if done * 4 >= total * len(memory):
            memory.append(_resident_mb())

    result, seconds = _timed(
        lambda: import_catalogue(path, limit=limit, progress=sample_memory, sample_data=True)
    )
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
    """Import the first rows by saving each object; return the number of rows and the seconds."""
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
    for name in row.category_names:
        category, _created = Category.objects.get_or_create(name=name, parent=category)
    product = Product(external_id=row.external_id, category=category, **row.provided_fields)
    product.price = sample_price(row.external_id, row.category_names[0], row.category_names[2])
    product.save()
    Variant(product=product, sku=row.external_id, stock=sample_stock(row.external_id)).save()
    for position, name in enumerate(source.pictures_of(row.external_id)):
        picture = read_picture(source.read_picture_file(name))
        width, height = picture.image.size
        image = ProductImage(product=product, file=picture.save(), position=position)
        image.width, image.height = width, height
        image.save()
    return 1


if __name__ == "__main__":
    main()
