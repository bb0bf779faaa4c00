"""Ways to find the nearest of many vectors, on the pictures that the shop holds.

    VAR_DIR=var/copy python bench/vectors.py [--size N] [--ways NAME,...] [--minutes M] [--cold]

Of each way in PostgreSQL: seconds to build the index and its size, inserts a second, p50 and p99
(five repetitions), recall@5 with 50 candidates ordered by all 2,048 values. With ``--cold`` also
of 50 searches after the server started anew and, as root, the page cache was dropped. Rivals in the
same process: scikit-learn's brute force, faiss Flat and HNSW, usearch. No conditions and no joins:
``bench/nearest.py`` measures the whole statement.

It makes tables in the schema ``bench`` of the database and drops them: use a copy. Prints one JSON
object and writes it to bench/results/vectors.json (vectors-N.json for more than 100,000 pictures).
A way whose index takes longer than ``--minutes`` is given up and said so.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

SERVERS = set_up_django()

import psycopg  # noqa: E402
from django.conf import settings  # noqa: E402
from pgvector import HalfVector  # noqa: E402
from pgvector.psycopg import register_vector  # noqa: E402

from bench.clock import spread, timed  # noqa: E402
from bench.environment import environment  # noqa: E402
from bench.reductions import REDUCTIONS, Reduction  # noqa: E402
from bench.rivals import rivals  # noqa: E402
from bench.stored import nearest_of, stored  # noqa: E402

Cursor = psycopg.Cursor[Any]
FIVE, CANDIDATES, QUERIES, SCANS, REPETITIONS, INSERTS = 5, 50, 200, 10, 5, 200
CHUNK = 2000
# Way: how the vector is made shorter, and the index on that.
HNSW = "USING hnsw (v halfvec_l2_ops) WITH (m = 16, ef_construction = 64)"
IVF = "USING ivfflat (v halfvec_l2_ops) WITH (lists = {lists})"
WAYS: dict[str, tuple[str, str]] = {
    "sketch_256_hnsw": ("sketch_256", HNSW),
    "sketch_256_ivfflat": ("sketch_256", IVF),
    "sketch_256_scan": ("sketch_256", ""),
    "pca_128_hnsw": ("pca_128", HNSW),
    "pca_256_hnsw": ("pca_256", HNSW),
    "pca_512_hnsw": ("pca_512", HNSW),
    "learned_256_hnsw": ("learned_256", HNSW),
    "full_2048_hnsw": ("full_2048", HNSW),
    "full_2048_ivfflat": ("full_2048", IVF),
    "full_2048_scan": ("full_2048", ""),
}
RERANKED = """
WITH candidates AS MATERIALIZED (SELECT id FROM bench.way ORDER BY v <-> %b LIMIT %s)
SELECT image.id FROM candidates JOIN catalogue_productimage AS image USING (id)
ORDER BY image.embedding_blue <-> %b LIMIT 5
"""
SETTINGS = """
SET hnsw.ef_search = 64; SET ivfflat.probes = {probes}; SET enable_seqscan = {scan}; SET jit = off;
SET max_parallel_workers_per_gather = 0
"""
BUILD = """
SET maintenance_work_mem = '7GB'; SET max_parallel_maintenance_workers = 1;
SET statement_timeout = '{minutes}min'
"""


def connect() -> psycopg.Connection[Any]:
    database = settings.DATABASES["default"]
    own = psycopg.connect(
        host=database["HOST"], user=database["USER"], dbname=database["NAME"], autocommit=True
    )
    register_vector(own)
    return own


def fill(cursor: Cursor, ids: np.ndarray, vectors: np.ndarray, reduction: Reduction) -> None:
    """``bench.way``: of each picture its id and its shorter vector."""
    cursor.execute("CREATE SCHEMA IF NOT EXISTS bench")
    cursor.execute("DROP TABLE IF EXISTS bench.way")
    cursor.execute(f"CREATE TABLE bench.way (id bigint, v halfvec({reduction.size}))")
    with cursor.copy("COPY bench.way FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, len(ids), CHUNK):
            part = slice(start, start + CHUNK)
            short = reduction(vectors[part].astype(np.float32))
            copy.write(rows(ids[part], short))
        copy.write(b"\xff\xff")
    cursor.execute("VACUUM ANALYZE bench.way")


def rows(ids: np.ndarray, short: np.ndarray) -> bytes:
    """For COPY BINARY: count, then length and value of each."""
    size = short.shape[1]
    packed = [("size", ">i2"), ("unused", ">i2"), ("of", ">f2", size)]
    layout = [("count", ">i2"), ("l1", ">i4"), ("id", ">i8"), ("l2", ">i4"), ("v", packed)]
    table = np.zeros(len(ids), np.dtype(layout))  # type: ignore[arg-type]
    table["count"], table["l1"], table["l2"] = 2, 8, 4 + 2 * size
    table["id"], table["v"]["size"], table["v"]["of"] = ids, size, short
    return table.tobytes()


def build(cursor: Cursor, index: str, count: int, minutes: float) -> dict[str, Any]:
    if not index:
        return {}
    cursor.execute(BUILD.format(minutes=minutes))
    started = time.perf_counter()
    try:
        using = index.format(lists=max(100, count // 1000))
        cursor.execute(f"CREATE INDEX way_index ON bench.way {using}")
    except psycopg.errors.QueryCanceled:
        return {"gave_up_after_minutes": minutes}
    finally:
        cursor.execute("SET statement_timeout = 0")
    seconds = round(time.perf_counter() - started, 1)
    size = cursor.execute("SELECT pg_relation_size('bench.way_index')").fetchone() or (0,)
    return {"build_seconds": seconds, "index_mb": round(size[0] / 2**20, 1)}


def search(cursor: Cursor, short: np.ndarray, full: np.ndarray) -> list[int]:
    values = [HalfVector(short), CANDIDATES, HalfVector(full)]
    return [row[0] for row in cursor.execute(RERANKED, values, prepare=True).fetchall()]


def recall(found: list[list[int]], truth: np.ndarray) -> float:
    """The query itself is one of the five, in both."""
    pairs = zip(found, truth.tolist(), strict=True)
    return round(float(np.mean([len(set(a) & set(b)) / FIVE for a, b in pairs])), 4)


def cold(one: Callable[[Cursor, int], Any], set_up: str) -> dict[str, Any]:
    """After a start of the server, the page cache dropped if we may."""
    if SERVERS is None:
        sys.exit("--cold stops the server: run it on the embedded ones, without DATABASE_URL.")
    SERVERS.stop()
    dropped = os.geteuid() == 0
    if dropped:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")
    SERVERS.start()
    with connect() as own, own.cursor() as cursor:
        cursor.execute(set_up)
        backend = own.info.backend_pid
        times, _found = timed(lambda number: one(cursor, number), range(COLD), backend)
    first = round(float(times[0, 0]), 1)
    return {"first_ms": first, **spread([times]), "page_cache_dropped": dropped}


def inserts(cursor: Cursor, ids: np.ndarray, short: np.ndarray) -> float:
    """A second, each in a statement of one transaction that is rolled back."""
    started = time.perf_counter()
    with cursor.connection.transaction(force_rollback=True):
        for number, vector in zip(ids.tolist(), short, strict=True):
            values = [number, HalfVector(vector)]
            cursor.execute("INSERT INTO bench.way VALUES (%s, %b)", values, prepare=True)
        seconds = time.perf_counter() - started
    return round(len(ids) / seconds, 1)


def measure(
    way: str, reduction: Reduction, picked: np.ndarray, truth: np.ndarray, minutes: float
) -> dict[str, Any]:
    index = WAYS[way][1]
    full = VECTORS[picked].astype(np.float32)
    short = reduction(full)
    probes = max(10, len(IDS) // 40_000)
    set_up = SETTINGS.format(probes=probes, scan="off" if index else "on")

    with connect() as own, own.cursor() as cursor:
        report = build(cursor, index, len(IDS), minutes)
        if "gave_up_after_minutes" in report:
            return report
        cursor.execute(set_up)

        def one(number: int) -> list[int]:
            return search(cursor, short[number], full[number])

        some, backend = range(len(picked) if index else SCANS), own.info.backend_pid
        timed(one, some, backend)
        runs = [timed(one, some, backend) for _ in range(REPETITIONS)]
        report |= spread([times for times, _found in runs])
        report["recall_at_5"] = recall(runs[0][1], truth[: len(some)])
        report["inserts_a_second"] = inserts(cursor, IDS[:INSERTS], reduction(VECTORS[:INSERTS]))
    if index and COLD:
        report["cold"] = cold(lambda cursor, n: search(cursor, short[n], full[n]), set_up)
    return report


def compare(
    ways: list[str], minutes: float, done: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    picked = np.random.default_rng(3).choice(len(IDS), QUERIES, replace=False)
    everything = np.ones(len(IDS), bool)
    queries = VECTORS[picked].astype(np.float32)
    truth = IDS[nearest_of(VECTORS, queries, [everything], FIVE)[0][0]]
    report: dict[str, Any] = {}
    last = ""
    for way in ways:
        name = WAYS[way][0]
        reduction = REDUCTIONS[name](VECTORS)
        with connect() as own, own.cursor() as cursor:
            if name != last:
                fill(cursor, IDS, VECTORS, reduction)
            cursor.execute("DROP INDEX IF EXISTS bench.way_index")
        last = name
        report[way] = measure(way, reduction, picked, truth, minutes)
        done(report)
        print(way, report[way], file=sys.stderr, flush=True)
    with connect() as own:
        own.execute("DROP SCHEMA IF EXISTS bench CASCADE")
    found = rivals(VECTORS, picked)
    for rival, (figures, rows_found) in found.items():
        right = recall(IDS[rows_found].tolist(), truth[: len(rows_found)])
        report[rival] = {**figures, "recall_at_5": right}
        done(report)
        print(rival, report[rival], file=sys.stderr, flush=True)
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=43_941, help="that the catalogue must have")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--cold", action="store_true", help="only where nobody else is disturbed")
    options = parser.parse_args()
    COLD = 50 if options.cold else 0
    with connect() as own, own.cursor() as cursor:
        IDS, _products, VECTORS = stored(cursor)
    if len(IDS) != options.size:
        sys.exit(f"The catalogue has {len(IDS)} pictures; bench/million.py makes more.")
    known = {
        "environment": environment(),
        "pictures": len(IDS),
        "queries": QUERIES,
        "candidates": CANDIDATES,
        "repetitions": REPETITIONS,
    }
    name = "vectors" if len(IDS) <= 100_000 else f"vectors-{len(IDS)}"

    def save(report: dict[str, Any]) -> None:
        """After each way: a run of an hour may be stopped."""
        text = json.dumps({**known, **report}, indent=1)
        (ROOT / "bench" / "results" / f"{name}.json").write_text(text + "\n")

    found = compare(options.ways.split(","), options.minutes, save)
    save(found)
    print(json.dumps({**known, **found}, indent=1))
