"""Enlarge a catalogue to a million images with products generated from its own.

    VAR_DIR=var/million python bench/million.py [PICTURES]

VAR_DIR must be a disposable copy of the embedded real catalogue. Products are added until it has
PICTURES images (default: 1,000,000). The embedding of a generated product is computed from the
embedding x of a real one, and normalised:

    x + t (x_j - x) + 0.5 (x_k - x_l),   t uniform in [0, 1]

Here x_j and x_k are two of the ten nearest neighbours of x, and x_l is one of the ten nearest
neighbours of x_k. The result lies among the real embeddings and varies in the same directions. A
generated product has the category, gender, colour and stock of the real one, a price up to 10 %
lower, and a measured garment colour within a few ΔE; it is no duplicate of another product.
``likeness`` compares the distances from real queries to generated and to real embeddings, which
should be similar.

Prints one JSON object and writes it to bench/results/made-PICTURES.json.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

import faiss  # noqa: E402
import psycopg  # noqa: E402
from django.db import connection  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.embeddings import DIMENSIONS, read_embeddings  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.models.trigger_sql import COLUMNS, VALUES  # noqa: E402

NEIGHBOURS = 10
NOISE = np.float32(0.5)
CHUNK = 5000
BUILD = "SET maintenance_work_mem = '4GB'; SET max_parallel_maintenance_workers = 1"
PRODUCTS = """
INSERT INTO catalogue_product (external_id, name, slug, description, brand, category_id, gender,
    base_colour, season, year, usage, price, currency, stock, listed, keywords, rating_count,
    rating_sum, created, updated)
SELECT 'made-' || made.number, name, 'made-' || made.number, description, brand, category_id,
    gender, base_colour, season, year, usage, round(price * (0.9 + 0.1 * random())::numeric, 2),
    currency, stock, listed, keywords, 0, 0, created, updated
FROM made JOIN catalogue_product AS product ON product.id = made.source ORDER BY made.number
"""
IMAGES = """
INSERT INTO catalogue_productimage (product_id, file, width, height, position, alt)
SELECT id, md5(id::text) || md5(slug), 60, 80, 0, '' FROM catalogue_product
WHERE slug LIKE 'made-%' ORDER BY id RETURNING id
"""
# Inserts the rows of the table of embeddings; the triggers that would insert them are disabled.
EMBEDDINGS = f"""
INSERT INTO {{table}} (image_id, embedding, colour, duplicate_group, status,
    {COLUMNS})
SELECT image.id, made.embedding, made.colour, image.id, 'embedded',
    {VALUES}
FROM made_embedding AS made JOIN catalogue_productimage AS image ON image.id = made.image_id
JOIN catalogue_product AS product ON product.id = image.product_id ORDER BY image.id
"""  # noqa: S608 - columns of ours
COLOUR_NOISE = 3.0
# A row of COPY BINARY consists of the number of fields, then the length and value of each field.
HALFVEC = [("size", ">i2"), ("unused", ">i2"), ("of", ">f2", DIMENSIONS)]
COLOUR = [("size", ">i2"), ("unused", ">i2"), ("of", ">f4", 3)]
FIELDS: list[tuple[str, Any]] = [("image", ">i8"), ("embedding", HALFVEC), ("colour", COLOUR)]


def neighbours(vectors: np.ndarray) -> np.ndarray:
    """Return the rows (n, 10) of the ten nearest neighbours of each vector (n, 256), by HNSW."""
    index = faiss.IndexHNSWFlat(DIMENSIONS, 16)
    index.hnsw.efSearch = 32
    index.add(vectors)
    return index.search(vectors, NEIGHBOURS + 1)[1][:, 1:]


def generate(
    vectors: np.ndarray, near: np.ndarray, sources: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a generated vector for each row in ``sources``, by the module docstring's formula."""
    pick = rng.integers(0, NEIGHBOURS, (3, len(sources)))
    towards, first = near[sources, pick[0]], near[sources, pick[1]]
    second = near[first, pick[2]]
    part = rng.random((len(sources), 1), np.float32)
    new = vectors[sources] + part * (vectors[towards] - vectors[sources])
    new += NOISE * (vectors[first] - vectors[second])
    new /= np.linalg.norm(new, axis=1, keepdims=True)
    return new


def likeness(vectors: np.ndarray) -> dict[str, Any]:
    """Compare the distances from 500 real queries to other real and to generated vectors.

    There are as many generated as other real vectors. They are computed from a third set, which
    contains neither the queries nor the other real vectors.
    """
    rng = np.random.default_rng(7)
    order = rng.permutation(len(vectors))
    half = (len(vectors) - 500) // 2
    queries, base, other = np.split(vectors[order], [500, 500 + half])
    new = generate(base, neighbours(base), rng.integers(0, half, len(other)), rng)
    return {"to_real": _distances(queries, other), "to_made": _distances(queries, new)}


def _distances(queries: np.ndarray, others: np.ndarray) -> dict[str, list[float]]:
    """Return quartiles of the queries' distances to their 1st, 5th and 50th nearest vectors."""
    squared = np.sort(np.maximum(0, 2 - 2 * queries @ others.T), axis=1)
    return {
        f"nearest_{place}": np.percentile(np.sqrt(squared[:, place - 1]), [25, 50, 75])
        .round(3)
        .tolist()
        for place in (1, 5, 50)
    }


def copy_rows(ids: np.ndarray, vectors: np.ndarray, colours: np.ndarray) -> bytes:
    """Return image ids, embeddings and colours as rows in the format of COPY BINARY."""
    layout: list[tuple[str, Any]] = [("count", ">i2")]
    for name, kind in FIELDS:
        layout += [(f"{name}_length", ">i4"), (name, kind)]
    rows = np.zeros(len(ids), np.dtype(layout))
    rows["count"] = len(FIELDS)
    for name, kind in FIELDS:
        rows[f"{name}_length"] = np.dtype(kind).itemsize
    rows["image"] = ids
    rows["embedding"]["size"], rows["embedding"]["of"] = DIMENSIONS, vectors
    rows["colour"]["size"], rows["colour"]["of"] = 3, colours
    return rows.tobytes()


def add_products(cursor: psycopg.Cursor, sources: np.ndarray) -> None:
    """Add a generated product for each id in ``sources``, copied from the real product."""
    cursor.execute("CREATE TEMPORARY TABLE made (number int, source bigint)")
    with cursor.copy("COPY made FROM STDIN") as copy:
        for number, source in enumerate(sources.tolist()):
            copy.write_row((number, source))
    cursor.execute(PRODUCTS)


def add_embeddings(cursor: psycopg.Cursor, table: str, batches: Iterator[bytes]) -> None:
    """Insert the batches of rows into the table, with the columns copied from the products."""
    cursor.execute(
        f"""CREATE TEMPORARY TABLE made_embedding
        (image_id bigint, embedding halfvec({DIMENSIONS}), colour vector(3))"""
    )
    with cursor.copy("COPY made_embedding FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for batch in batches:
            copy.write(batch)
        copy.write(b"\xff\xff")
    cursor.execute(EMBEDDINGS.format(table=table))


def batches(
    ids: np.ndarray, sources: np.ndarray, vectors: np.ndarray, colours: np.ndarray
) -> Iterator[bytes]:
    """Generate an embedding for each image; yield the rows for COPY BINARY in batches."""
    near, rng = neighbours(vectors), np.random.default_rng(256)
    for start in range(0, len(ids), CHUNK):
        rows = sources[start : start + CHUNK]
        jittered = colours[rows] + rng.normal(0, COLOUR_NOISE, (len(rows), 3))
        yield copy_rows(ids[start : start + CHUNK], generate(vectors, near, rows, rng), jittered)


def colours_of(cursor: psycopg.Cursor, table: str) -> np.ndarray:
    """Return the garments' colours (n, 3) in the order of ``read_embeddings``."""
    cursor.execute(
        f"""SELECT colour::real[] FROM {table} WHERE embedding IS NOT NULL
        ORDER BY product_id, image_id"""  # noqa: S608 - a table of ours
    )
    return np.array([row[0] for row in cursor.fetchall()], np.float32)


def indexes(cursor: psycopg.Cursor, table: str) -> dict[str, str]:
    """Return the names and definitions of the indexes that belong to no constraint."""
    cursor.execute(
        """SELECT indexname, indexdef FROM pg_indexes
        WHERE tablename IN ('catalogue_product', 'catalogue_productimage', %s) AND indexname NOT IN
            (SELECT conname FROM pg_constraint WHERE contype IN ('p', 'u', 'x'))""",
        [table],
    )
    return dict(cursor.fetchall())


def record(seconds: dict[str, float], name: str, started: float) -> None:
    """Store the seconds since ``started`` under ``name`` and print them."""
    seconds[name] = round(time.perf_counter() - started, 1)
    print(name, seconds[name], file=sys.stderr, flush=True)


def enlarge(cursor: psycopg.Cursor, size: int) -> dict[str, Any]:
    """Add products until there are ``size`` images, with indexes dropped and built again."""
    cursor.execute("SELECT count(*) FROM catalogue_product WHERE slug LIKE 'made-%'")
    if cursor.fetchall()[0][0]:
        sys.exit("This catalogue is enlarged already; take a fresh copy of the real one.")
    table = EmbeddingModel.objects.active().table
    real, colours = read_embeddings(cursor, table), colours_of(cursor, table)
    vectors, new = real.vectors.astype(np.float32), size - len(real)
    seconds = dict[str, float]()
    result = {"real": len(real), "made": new, "likeness": likeness(vectors)}
    definitions = indexes(cursor, table)
    for name in definitions:
        cursor.execute(f"DROP INDEX {name}")
    sources = np.random.default_rng(2048).integers(0, len(real), new)
    started = time.perf_counter()
    add_products(cursor, real.products[sources])
    cursor.execute("SET session_replication_role = replica")
    cursor.execute(IMAGES)
    images = np.array(cursor.fetchall()).ravel()
    record(seconds, "products", started)
    started = time.perf_counter()
    add_embeddings(cursor, table, batches(images, sources, vectors, colours))
    record(seconds, "embeddings", started)
    cursor.execute(BUILD)
    for name, definition in definitions.items():
        started = time.perf_counter()
        cursor.execute(definition)
        record(seconds, name, started)
    started = time.perf_counter()
    cursor.execute("VACUUM ANALYZE")
    record(seconds, "vacuum", started)
    return {**result, "seconds": seconds}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("pictures", type=int, nargs="?", default=1_000_000)
    size = parser.parse_args().pictures
    connection.ensure_connection()
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as own:
        own.execute("SET synchronous_commit = off")
        result = enlarge(own.cursor(), size)
    text = json.dumps({"environment": environment(), **result}, indent=1)
    (ROOT / "bench" / "results" / f"made-{size}.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
