"""The nearest five on the images that the shop holds, against the exact order of all embeddings.

    python bench/nearest.py [QUERIES] [--rival CHECKOUT --rival-folder VAR_DIR]

Needs an embedded catalogue; bench/million.py makes a large one. ``vector`` orders by distance
alone, without filters and with each attribute at several shares of the catalogue (100 queries
each); recall is against comparing all 256 values of all images, copies left out of both.
``strip`` is what a product page asks for, with its scopes and colours. In memory and without
conditions, scikit-learn, faiss and usearch search the same embeddings. ``--rival`` is another
checkout on a database of its own, which searches for the same products by turns.

``sizes_mb`` names each table and index that holds embeddings. Prints one JSON object and writes it
to bench/results/nearest.json (nearest-N.json for N images if there are more than 100,000).
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

import psycopg  # noqa: E402
from django.db import connection  # noqa: E402

from bench.embeddings import Stored, nearest_of, stored  # noqa: E402
from bench.environment import environment  # noqa: E402
from bench.rivals import in_memory, rival  # noqa: E402
from bench.timing import spread, timed  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.search.candidates import FIRST_EMBEDDED  # noqa: E402
from recommender.search.similar import (  # noqa: E402
    OWN_GROUPS,
    ROW_SIZE,
    Neighbour,
    Query,
    _nearest,
    similar_ids,
)
from shop.catalogue.browsing.filters import Filters  # noqa: E402
from shop.catalogue.models import Product  # noqa: E402

BY_DISTANCE = {"colour_weight": 0.0, "base_colour": "", "base_colour_weight": 0.0}
SHARES = (0.5, 0.1, 0.01, 0.001)
ATTRIBUTES = {"gender": "genders", "colour": "colours", "category": "category_ids"}
REPETITIONS, FILTERED, IN_MEMORY = 5, 100, 50
LARGE = 100_000
# Enough for five after copies of the product and of each other are left out.
KEEP = 100
SIZES = """
SELECT tables.relname, part.name, part.bytes FROM pg_class AS tables CROSS JOIN LATERAL (
    SELECT 'rows', pg_relation_size(tables.oid) UNION ALL
    SELECT 'out of line', COALESCE(pg_total_relation_size(NULLIF(tables.reltoastrelid, 0)), 0)
    UNION ALL SELECT index.relname, pg_relation_size(index.oid)
    FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid WHERE indrelid = tables.oid
) AS part (name, bytes)
WHERE tables.relkind = 'r' AND tables.relname IN ('catalogue_productimage', 'recommender_placement',
    'recommender_cell', 'recommender_embedding_blue', 'recommender_embedding_green')
ORDER BY 1, 2"""
# 9e8e8d9 and what came before keep embeddings in columns of images.
RIVAL = """
from bench.nearest import *
from time import perf_counter
from shop.catalogue.models import Product

model = EmbeddingModel.objects.active()
query = QUERY.format(column=model.column)

def answer(what, asked):
    if what == "sql":
        with connection.cursor() as cursor:
            cursor.execute(asked)
            return cursor.fetchall()
    found = dict(Product.objects.filter(external_id__in=asked).values_list("external_id", "pk"))
    times = []
    for product in [found[key] for key in asked]:
        started = perf_counter()
        nearest.nearest(model, query, {"source": product, "excluded": product}, Filters(), 5)
        times.append((perf_counter() - started) * 1000)
    return times
"""


@dataclass(frozen=True)
class Catalogue:
    """Holds, a row an image, its embedding and what filters ask for of its product."""

    images: Stored
    offered: np.ndarray
    gender: np.ndarray
    colour: np.ndarray
    category: np.ndarray
    price: np.ndarray


def load(model: EmbeddingModel) -> Catalogue:
    with psycopg.connect(connection.connection.info.dsn) as own, own.cursor() as cursor:
        images = stored(cursor, model.table)
        cursor.execute(
            """SELECT id, listed AND stock > 0, gender, base_colour, category_id, price::float
            FROM catalogue_product ORDER BY id"""
        )
        ids, *attributes = (np.array(values) for values in zip(*cursor.fetchall(), strict=True))
    place = np.searchsorted(ids, images.products)
    return Catalogue(images, *(values[place] for values in attributes))


def filters_of(shop: Catalogue) -> dict[str, tuple[Filters, np.ndarray]]:
    """Return filters by name, each with the rows that it lets pass."""
    found = {"all": (Filters(), np.ones(len(shop.images), bool))}
    for share in SHARES:
        price = Decimal(f"{np.quantile(shop.price, share):.2f}")
        found[f"price {share:.1%}"] = (Filters(price_to=price), shop.price <= float(price))
        for name, argument in ATTRIBUTES.items():
            values = getattr(shop, name)
            chosen = _values_of_share(values, share)
            passes = np.isin(values, chosen)
            if share / 2 < passes.mean() < share * 2:
                found[f"{name} {share:.1%}"] = (Filters(**{argument: tuple(chosen)}), passes)
    return found


def _values_of_share(values: np.ndarray, share: float) -> list[Any]:
    """Return the fewest values that make up about this share of the rows, the largest first."""
    names, counts = np.unique(values, return_counts=True)
    left, chosen = share * len(values) * 1.2, []
    for place in np.argsort(-counts):
        if names[place] and counts[place] <= left:
            left -= counts[place]
            chosen.append(names[place].item())
    return chosen


def true_five(shop: Catalogue, source: int, rows: np.ndarray, distances: np.ndarray) -> list[float]:
    """Return the distances of the nearest five products, without copies of any."""
    product = shop.images.products[source]
    own = shop.images.products == product
    groups, products = set(shop.images.groups[own].tolist()), {int(product)}
    five: list[float] = []
    for row, distance in zip(rows.tolist(), distances.tolist(), strict=True):
        group, other = int(shop.images.groups[row]), int(shop.images.products[row])
        if np.isfinite(distance) and group not in groups and other not in products:
            five.append(distance)
            groups.add(group)
            products.add(other)
    return five[:ROW_SIZE]


def measured(
    shop: Catalogue, model: EmbeddingModel, filters: Filters, sources: list[int], truth: list[Any]
) -> dict[str, Any]:
    def search(row: int) -> list[Neighbour]:
        product = int(shop.images.products[row])
        query = Query(
            FIRST_EMBEDDED.format(table=model.table, product="%(product)s"),
            {"product": product, "excluded": product},
            OWN_GROUPS.format(table=model.table),
            BY_DISTANCE,
        )
        return _nearest("default", model, query, filters, ROW_SIZE)

    backend = connection.connection.info.backend_pid
    timed(search, sources[:20], backend)
    runs = [timed(search, sources, backend) for _ in range(REPETITIONS)]
    found = runs[0][1]
    # A score is half of the squared distance.
    hits = [
        sum((2 * one.score) ** 0.5 <= five[-1] + 1e-3 for one in some) / len(five)
        for some, five in zip(found, truth, strict=True)
        if five
    ]
    return {
        **spread([times for times, _found in runs]),
        "recall_at_5": round(float(np.mean(np.minimum(hits, 1))), 4),
        "fewest": min(map(len, found)),
        "fewest_true": min(map(len, truth)),
    }


def strip(shop: Catalogue, sources: list[int]) -> dict[str, Any]:
    products = Product.objects.select_related("category").in_bulk(
        shop.images.products[sources].tolist()
    )

    def search(row: int) -> list[int]:
        return similar_ids(products[int(shop.images.products[row])])

    backend = connection.connection.info.backend_pid
    timed(search, sources[:20], backend)
    runs = [timed(search, sources, backend) for _ in range(REPETITIONS)]
    return {**spread([times for times, _found in runs]), "fewest": min(map(len, runs[0][1]))}


def sizes(rows: list[tuple[str, str, int]]) -> dict[str, Any]:
    """Return megabytes by table and part, and what of it is of embeddings alone."""
    found: dict[str, Any] = {}
    embeddings = 0
    for table, part, size in rows:
        found.setdefault(table, {})[part] = round(size / 2**20, 2)
        if table.startswith("recommender") or part == "out of line" or "hnsw" in part:
            embeddings += size
    return {"tables": found, "embeddings": round(embeddings / 2**20, 1)}


def own_sizes() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        return sizes(cursor.fetchall())


def against(options: argparse.Namespace, shop: Catalogue, sources: list[int]) -> dict[str, Any]:
    """Search for the same products by turns, here and in the other checkout."""
    model = EmbeddingModel.objects.active()
    keys = Product.objects.in_bulk(shop.images.products[sources].tolist())
    asked = [keys[int(shop.images.products[row])].external_id for row in sources]
    ours, theirs = [], []
    with rival(options.rival, options.rival_folder, RIVAL) as ask:
        ask("times", asked)
        for _ in range(REPETITIONS):
            ours.append(measured(shop, model, Filters(), sources, [[]] * len(sources)))
            theirs.append(ask("times", asked))
        named = sizes([tuple(row) for row in ask("sql", SIZES)])
    return {
        "checkout": options.rival.name,
        "ours_p50_p99_ms": [[one["p50_ms"], one["p99_ms"]] for one in ours],
        "p50_p99_ms": [np.percentile(times, [50, 99]).round(2).tolist() for times in theirs],
        "sizes_mb": named,
        "our_size_of_theirs": round(own_sizes()["embeddings"] / named["embeddings"], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queries", type=int, nargs="?", default=500)
    parser.add_argument("--rival", type=Path)
    parser.add_argument("--rival-folder", type=Path)
    options = parser.parse_args()
    model = EmbeddingModel.objects.active()
    shop = load(model)
    count, vectors = len(shop.images), shop.images.vectors
    queries = min(options.queries, count)
    sources = np.random.default_rng(1).choice(count, queries, replace=False).tolist()
    filters = filters_of(shop)
    masks = [shop.offered & passes for _filters, passes in filters.values()]
    best = nearest_of(vectors, vectors[sources].astype(np.float32), masks, KEEP)
    result: dict[str, Any] = {
        "environment": environment(),
        "pictures": count,
        "queries": queries,
        "repetitions": REPETITIONS,
        "sizes_mb": own_sizes(),
        "strip": strip(shop, sources),
    }
    for (name, (chosen, _passes)), mask, (rows, distances) in zip(
        filters.items(), masks, best, strict=True
    ):
        some = sources[:FILTERED] if chosen else sources
        truth = [true_five(shop, *each) for each in zip(some, rows, distances, strict=False)]
        result[name] = {
            "passing": round(float(mask.mean()), 5),
            **measured(shop, model, chosen, some, truth),
        }
        print(name, result[name], file=sys.stderr, flush=True)
    some = sources[:IN_MEMORY]
    everything = [np.ones(count, bool)]
    nearest = nearest_of(vectors, vectors[some].astype(np.float32), everything, ROW_SIZE)[0][0]
    result["in_memory"] = in_memory(vectors, some, nearest)
    if options.rival:
        result["rival"] = against(options, shop, sources)
    text = json.dumps(result, indent=1)
    name = "nearest" if count <= LARGE else f"nearest-{count}"
    (ROOT / "bench" / "results" / f"{name}.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
