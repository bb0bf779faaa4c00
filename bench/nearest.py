"""The nearest five on the pictures that the shop holds, against scikit-learn's brute force.

    python bench/nearest.py [QUERIES]

Prints one JSON object and writes it to bench/results/nearest.json (nearest-N.json for N pictures
if there are more than 100,000). Needs an embedded catalogue. Without filters, up to a price, and
with an attribute (100 queries each); recall against all 2,048 values of all pictures, copies left
out of both.
"""

from __future__ import annotations

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
from sklearn.neighbors import NearestNeighbors  # noqa: E402

from bench.clock import spread, timed  # noqa: E402
from bench.environment import environment  # noqa: E402
from bench.stored import nearest_of, stored  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.search import similar as nearest
from shop.catalogue.browsing.filters import Filters  # noqa: E402

QUERY = """SELECT {column} AS vector FROM catalogue_productimage
    WHERE product_id = %(source)s AND {column} IS NOT NULL ORDER BY position, id LIMIT 1"""
SHARES = (0.5, 0.1, 0.01, 0.001)
KEEP = 60
REPETITIONS, FILTERED = 5, 100


@dataclass(frozen=True)
class Catalogue:
    products: np.ndarray
    vectors: np.ndarray
    offered: np.ndarray
    gender: np.ndarray
    colour: np.ndarray
    price: np.ndarray


def load(column: str) -> Catalogue:
    """One row a picture: its product's id, vector (2048,), and what filters ask for."""
    with psycopg.connect(connection.connection.info.dsn) as own, own.cursor() as cursor:
        _images, products, vectors = stored(cursor, column)
        cursor.execute(
            """SELECT id, listed AND stock > 0, gender, base_colour, price::float
            FROM catalogue_product ORDER BY id"""
        )
        ids, *attributes = (np.array(values) for values in zip(*cursor.fetchall(), strict=True))
    place = np.searchsorted(ids, products)
    return Catalogue(products, vectors, *(values[place] for values in attributes))


def filters_of(shop: Catalogue) -> dict[str, tuple[Filters, np.ndarray]]:
    """Each with what it lets pass."""
    found = {"all": (Filters(), np.ones(len(shop.products), bool))}
    for share in SHARES:
        price = Decimal(f"{np.quantile(shop.price, share):.2f}")
        found[f"price {share:.1%}"] = (Filters(price_to=price), shop.price <= float(price))
    for name, values in (("gender", shop.gender), ("colour", shop.colour)):
        names, counts = np.unique(values, return_counts=True)
        for share in SHARES[:1] if name == "gender" else SHARES[1:]:
            value = str(names[np.argmin(np.abs(counts / len(values) - share))])
            chosen = Filters(**{f"{name}s": (value,)})
            found[f"{name} {share:.1%}"] = (chosen, values == value)
    return found


def apart(shop: Catalogue, source: int, rows: np.ndarray, distances: np.ndarray) -> list[float]:
    """Distances of the true five: products one each, no copies of the source, no two copies."""
    kept: list[int] = []
    five: list[float] = []
    for row, distance in zip(rows.tolist(), distances.tolist(), strict=True):
        product = shop.products[row]
        if not np.isfinite(distance) or product == shop.products[source]:
            continue
        if product in shop.products[kept] or distance < nearest.SAME - 1e-3:
            continue
        apart = shop.vectors[kept].astype(np.float32) - shop.vectors[row].astype(np.float32)
        if kept and np.linalg.norm(apart, axis=1).min() < nearest.SAME:
            continue
        kept.append(row)
        five.append(distance)
    return five[:5]


def measured(
    shop: Catalogue, model: EmbeddingModel, filters: Filters, sources: list[int], truth: list[Any]
) -> dict[str, Any]:
    query = QUERY.format(column=model.column)

    def search(row: int) -> list[nearest.Neighbour]:
        product = int(shop.products[row])
        return nearest.nearest(model, query, {"source": product, "excluded": product}, filters, 5)

    backend = connection.connection.info.backend_pid
    timed(search, sources[:20], backend)
    runs = [timed(search, sources, backend) for _ in range(REPETITIONS)]
    found = runs[0][1]
    hits = [
        sum(one.distance <= five[-1] + 1e-3 for one in some) / len(five)
        for some, five in zip(found, truth, strict=True)
        if five
    ]
    return {
        **spread([times for times, _found in runs]),
        "recall_at_5": round(float(np.mean(np.minimum(hits, 1))), 4),
        "fewest": min(map(len, found)),
        "fewest_true": min(map(len, truth)),
    }


def brute_force(shop: Catalogue, sources: list[int]) -> dict[str, Any]:
    """Of the paper: scikit-learn on all values, no conditions."""
    brute = NearestNeighbors(n_neighbors=6, algorithm="brute").fit(shop.vectors.astype(np.float32))

    def search(row: int) -> Any:
        return brute.kneighbors(shop.vectors[row][None].astype(np.float32))

    backend = connection.connection.info.backend_pid
    return spread([timed(search, sources[:50], backend)[0] for _ in range(REPETITIONS)])


if __name__ == "__main__":
    model = EmbeddingModel.objects.active()
    shop = load(model.column)
    queries = min(int(sys.argv[1]) if len(sys.argv) > 1 else 500, len(shop.products))
    sources = np.random.default_rng(1).choice(len(shop.products), queries, replace=False).tolist()
    filters = filters_of(shop)
    masks = [shop.offered & passes for _filters, passes in filters.values()]
    best = nearest_of(shop.vectors, shop.vectors[sources].astype(np.float32), masks, KEEP)
    result: dict[str, Any] = {
        "environment": environment(),
        "pictures": len(shop.products),
        "queries": queries,
        "repetitions": REPETITIONS,
    }
    for (name, (chosen, _passes)), mask, (rows, distances) in zip(
        filters.items(), masks, best, strict=True
    ):
        some = sources[:FILTERED] if chosen else sources
        truth = [apart(shop, *each) for each in zip(some, rows, distances, strict=False)]
        result[name] = {
            "passing": round(float(mask.mean()), 5),
            **measured(shop, model, chosen, some, truth),
        }
        print(name, result[name], file=sys.stderr, flush=True)
    if len(shop.products) <= 100_000:
        result["scikit_learn"] = brute_force(shop, sources)
        faster = result["scikit_learn"]["p50_ms"] / result["all"]["p50_ms"]
        result["times_faster"] = round(faster, 1)
    text = json.dumps(result, indent=1)
    name = "nearest" if len(shop.products) <= 100_000 else f"nearest-{len(shop.products)}"
    (ROOT / "bench" / "results" / f"{name}.json").write_text(text + "\n")
    print(text)
