"""Nearest five on the pictures that the shop holds, against scikit-learn's brute force.

    python bench/nearest.py [QUERIES]

Prints one JSON object and writes it to bench/results/nearest.json. Needs an embedded catalogue.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402

from bench.environment import environment  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.nearest import five as nearest  # noqa: E402
from shop.catalogue.filters import Filters  # noqa: E402

QUERY = """SELECT {column} AS vector FROM catalogue_productimage
    WHERE product_id = %(source)s AND {column} IS NOT NULL ORDER BY position, id LIMIT 1"""


def load(model: EmbeddingModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Product ids, float32 vectors (n, 2048) and colours of what may be recommended."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT p.id, i.{model.column}::text, p.base_colour
            FROM catalogue_productimage i JOIN catalogue_product p ON p.id = i.product_id
            WHERE p.listed AND p.stock > 0 AND i.{model.column} IS NOT NULL ORDER BY p.id"""  # noqa: S608
        )
        rows = cursor.fetchall()
    vectors = np.stack([np.fromstring(row[1][1:-1], np.float32, sep=",") for row in rows])
    return np.array([r[0] for r in rows]), vectors, np.array([r[2] for r in rows])


def recall(found: list[nearest.Neighbour], truth: np.ndarray) -> float:
    """The share of the five that are no farther than the fifth true one; equal distances count."""
    limit = truth[min(4, len(truth) - 1)] + 1e-3
    return sum(n.distance <= limit for n in found) / min(5, len(truth))


def run(
    model: EmbeddingModel,
    sources: np.ndarray,
    vectors: np.ndarray,
    pool: np.ndarray,
    filters: Filters,
) -> dict[str, Any]:
    query = QUERY.format(column=model.column)
    times, recalls, fives = [], [], []
    for product, vector in sources:
        started = time.perf_counter()
        values = {"source": int(product), "excluded": int(product)}
        found = nearest.nearest(model, query, values, filters, 5)
        times.append((time.perf_counter() - started) * 1000)
        mask = pool & (product != IDS)
        distances = np.sort(np.sqrt(np.maximum(0, 2 - 2 * (vectors[mask] @ vector))))[:5]
        recalls.append(recall(found, distances))
        fives.append(len(found))
    return {
        "p50_ms": round(float(np.percentile(times, 50)), 2),
        "p99_ms": round(float(np.percentile(times, 99)), 2),
        "recall_at_5": round(float(np.mean(recalls)), 4),
        "fewest": min(fives),
        "passing": round(float(pool.mean()), 4),
    }


if __name__ == "__main__":
    queries = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    model = EmbeddingModel.objects.active()
    IDS, vectors, colours = load(model)
    chosen = np.random.default_rng(1).choice(len(IDS), min(queries, len(IDS)), replace=False)
    sources = [(IDS[i], vectors[i]) for i in chosen]
    names, counts = np.unique(colours, return_counts=True)
    rare = str(names[np.argmin(np.abs(counts / len(IDS) - 0.01))])
    result: dict[str, Any] = {
        "environment": environment(),
        "pictures": len(IDS),
        "queries": len(sources),
    }
    everything = np.ones(len(IDS), bool)
    for product, _vector in sources[:50]:  # warm the cache
        nearest.nearest(
            model,
            QUERY.format(column=model.column),
            {"source": int(product), "excluded": 0},
            Filters(),
            5,
        )
    result["all"] = run(model, sources, vectors, everything, Filters())
    result["filter"] = run(model, sources[:200], vectors, colours == rare, Filters(colours=(rare,)))
    brute = NearestNeighbors(n_neighbors=6, algorithm="brute").fit(vectors)
    times = []
    for _product, vector in sources[:100]:
        started = time.perf_counter()
        brute.kneighbors(vector[None])
        times.append((time.perf_counter() - started) * 1000)
    result["scikit_learn_p50_ms"] = round(float(np.percentile(times, 50)), 2)
    result["times_faster"] = round(result["scikit_learn_p50_ms"] / result["all"]["p50_ms"], 1)
    text = json.dumps(result, indent=1)
    (ROOT / "bench" / "results" / "nearest.json").write_text(text + "\n")
    print(text)
