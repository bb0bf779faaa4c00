"""Measure latency and recall of the search for the five nearest products.

    python bench/nearest.py [QUERIES] [--rival CHECKOUT --rival-folder VAR_DIR]

Needs an embedded catalogue; bench/million.py makes a large one.

- ``all``: ordered by distance alone, without filters.
- ``price 10.0%`` and so on: the same with a price filter that about 10 % of the images match.
- ``strip``: the search for similar items that a product page makes.
- ``in_memory``: scikit-learn, faiss and usearch on the same embeddings, without filters.
- ``rival``: another checkout on a database of its own. It searches for the same products and takes
  turns with this checkout.
- ``sizes_mb``: the sizes of the tables and indexes that hold embeddings.

Recall at 5 is the share of the truly nearest five products that the search finds. An exact
comparison with the embeddings of all images determines these five. Duplicates are left out of both.
Prints one JSON object and writes it to bench/results/nearest.json (nearest-N.json for N images if
there are more than 100,000).
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
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

from bench.arguments import argument_parser  # noqa: E402
from bench.embeddings import StoredEmbeddings, exact_nearest, read_embeddings  # noqa: E402
from bench.environment import environment  # noqa: E402
from bench.rivals import in_memory, rival  # noqa: E402
from bench.timing import summarise, time_searches  # noqa: E402
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
WARM_UP = 20
REPETITIONS, FILTERED_QUERIES, IN_MEMORY_QUERIES = 5, 100, 50
LARGE = 100_000
# How many exact neighbours to keep for each query: enough that five remain without duplicates.
EXACT_CANDIDATES = 100
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
# The code that the rival runs. It fits checkouts of version 0.1, which stores embeddings in columns
# of the table of images.
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
    """Holds the embeddings and, row by row, the columns of their products that filters use."""

    images: StoredEmbeddings
    available: np.ndarray
    gender: np.ndarray
    colour: np.ndarray
    category: np.ndarray
    price: np.ndarray


def load(model: EmbeddingModel) -> Catalogue:
    """Read all embeddings and the columns of their products that filters use."""
    with psycopg.connect(connection.connection.info.dsn) as own, own.cursor() as cursor:
        images = read_embeddings(cursor, model.table)
        cursor.execute(
            """SELECT id, listed AND stock > 0, gender, base_colour, category_id, price::float
            FROM catalogue_product ORDER BY id"""
        )
        ids, *attributes = (np.array(values) for values in zip(*cursor.fetchall(), strict=True))
    rows = np.searchsorted(ids, images.products)
    return Catalogue(images, *(values[rows] for values in attributes))


def make_filters(catalogue: Catalogue) -> dict[str, tuple[Filters, np.ndarray]]:
    """Return filters of several selectivities by name, each with a mask of the matching rows."""
    found = {"all": (Filters(), np.ones(len(catalogue.images), bool))}
    for share in SHARES:
        price = Decimal(f"{np.quantile(catalogue.price, share):.2f}")
        found[f"price {share:.1%}"] = (Filters(price_to=price), catalogue.price <= float(price))
        for name, argument in ATTRIBUTES.items():
            values = getattr(catalogue, name)
            chosen = _values_of_share(values, share)
            passes = np.isin(values, chosen)
            if share / 2 < passes.mean() < share * 2:
                found[f"{name} {share:.1%}"] = (Filters(**{argument: tuple(chosen)}), passes)
    return found


def _values_of_share(values: np.ndarray, share: float) -> list[Any]:
    """Return frequent values that together make up about this share of the rows."""
    names, counts = np.unique(values, return_counts=True)
    left, chosen = share * len(values) * 1.2, []
    for place in np.argsort(-counts):
        if names[place] and counts[place] <= left:
            left -= counts[place]
            chosen.append(names[place].item())
    return chosen


def exact_distances(
    catalogue: Catalogue, source: int, rows: np.ndarray, distances: np.ndarray
) -> list[float]:
    """Return the distances from the image in row ``source`` to its five nearest products.

    ``rows`` and ``distances`` are those of the image's nearest images, found by exact search.
    Duplicates among them are skipped.
    """
    product = catalogue.images.products[source]
    own = catalogue.images.products == product
    groups, products = set(catalogue.images.groups[own].tolist()), {int(product)}
    five: list[float] = []
    for row, distance in zip(rows.tolist(), distances.tolist(), strict=True):
        group, other = int(catalogue.images.groups[row]), int(catalogue.images.products[row])
        if np.isfinite(distance) and group not in groups and other not in products:
            five.append(distance)
            groups.add(group)
            products.add(other)
    return five[:ROW_SIZE]


def measure(
    catalogue: Catalogue,
    model: EmbeddingModel,
    filters: Filters,
    sources: list[int],
    truth: list[Any],
) -> dict[str, Any]:
    """Time a search for each row in ``sources``; compute recall from the exact distances ``truth``.

    A product counts as correct if its distance is at most the fifth exact distance.
    """

    def search(row: int) -> list[Neighbour]:
        product = int(catalogue.images.products[row])
        query = Query(
            FIRST_EMBEDDED.format(table=model.table, product="%(product)s"),
            {"product": product, "excluded": product},
            OWN_GROUPS.format(table=model.table),
            BY_DISTANCE,
        )
        return _nearest("default", model, query, filters, ROW_SIZE)

    backend = connection.connection.info.backend_pid
    time_searches(search, sources[:WARM_UP], backend)
    runs = [time_searches(search, sources, backend) for _ in range(REPETITIONS)]
    found = runs[0][1]
    # Scores are converted to distances: a score is half of the squared distance.
    hits = [
        sum((2 * one.score) ** 0.5 <= exact[-1] + 1e-3 for one in neighbours) / len(exact)
        for neighbours, exact in zip(found, truth, strict=True)
        if exact
    ]
    return {
        **summarise([times for times, _found in runs]),
        "recall_at_5": round(float(np.mean(np.minimum(hits, 1))), 4),
        "fewest": min(map(len, found)),
        "fewest_true": min(map(len, truth)),
    }


def measure_strip(catalogue: Catalogue, sources: list[int]) -> dict[str, Any]:
    """Time the product page's search for similar items, for the products in rows ``sources``."""
    products = Product.objects.select_related("category").in_bulk(
        catalogue.images.products[sources].tolist()
    )

    def search(row: int) -> list[int]:
        return similar_ids(products[int(catalogue.images.products[row])])

    backend = connection.connection.info.backend_pid
    time_searches(search, sources[:WARM_UP], backend)
    runs = [time_searches(search, sources, backend) for _ in range(REPETITIONS)]
    return {**summarise([times for times, _found in runs]), "fewest": min(map(len, runs[0][1]))}


def sizes(rows: list[tuple[str, str, int]]) -> dict[str, Any]:
    """Return the megabytes of each table's parts, and the sum of those that hold embeddings."""
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


def compare_with_rival(
    options: Namespace, catalogue: Catalogue, sources: list[int]
) -> dict[str, Any]:
    """Run the same searches in turns, in this checkout and in the rival."""
    model = EmbeddingModel.objects.active()
    products = Product.objects.in_bulk(catalogue.images.products[sources].tolist())
    external_ids = [products[int(catalogue.images.products[row])].external_id for row in sources]
    own_results, rival_times = [], []
    with rival(options.rival, options.rival_folder, RIVAL) as ask_rival:
        ask_rival("times", external_ids)  # warm-up
        for _ in range(REPETITIONS):
            own_results.append(measure(catalogue, model, Filters(), sources, [[]] * len(sources)))
            rival_times.append(ask_rival("times", external_ids))
        rival_sizes = sizes([tuple(row) for row in ask_rival("sql", SIZES)])
    return {
        "checkout": options.rival.name,
        "ours_p50_p99_ms": [[one["p50_ms"], one["p99_ms"]] for one in own_results],
        "p50_p99_ms": [np.percentile(times, [50, 99]).round(2).tolist() for times in rival_times],
        "sizes_mb": rival_sizes,
        "our_size_of_theirs": round(own_sizes()["embeddings"] / rival_sizes["embeddings"], 3),
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("queries", type=int, nargs="?", default=500)
    parser.add_argument("--rival", type=Path)
    parser.add_argument("--rival-folder", type=Path)
    options = parser.parse_args()
    model = EmbeddingModel.objects.active()
    catalogue = load(model)
    count, vectors = len(catalogue.images), catalogue.images.vectors
    queries = min(options.queries, count)
    sources = np.random.default_rng(1).choice(count, queries, replace=False).tolist()
    filters = make_filters(catalogue)
    masks = [catalogue.available & passes for _filters, passes in filters.values()]
    best = exact_nearest(vectors, vectors[sources].astype(np.float32), masks, EXACT_CANDIDATES)
    result: dict[str, Any] = {
        "environment": environment(),
        "pictures": count,
        "queries": queries,
        "repetitions": REPETITIONS,
        "sizes_mb": own_sizes(),
        "strip": measure_strip(catalogue, sources),
    }
    for (name, (chosen, _passes)), mask, (rows, distances) in zip(
        filters.items(), masks, best, strict=True
    ):
        queried = sources[:FILTERED_QUERIES] if chosen else sources
        truth = [
            exact_distances(catalogue, *each)
            for each in zip(queried, rows, distances, strict=False)
        ]
        result[name] = {
            "passing": round(float(mask.mean()), 5),
            **measure(catalogue, model, chosen, queried, truth),
        }
        print(name, result[name], file=sys.stderr, flush=True)
    queried = sources[:IN_MEMORY_QUERIES]
    everything = [np.ones(count, bool)]
    nearest = exact_nearest(vectors, vectors[queried].astype(np.float32), everything, ROW_SIZE)[0][
        0
    ]
    result["in_memory"] = in_memory(vectors, queried, nearest)
    if options.rival:
        result["rival"] = compare_with_rival(options, catalogue, sources)
    text = json.dumps(result, indent=1)
    name = "nearest" if count <= LARGE else f"nearest-{count}"
    (ROOT / "bench" / "results" / f"{name}.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
