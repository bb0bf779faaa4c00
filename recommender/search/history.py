"""Find the nearest neighbours of each product in a visitor's history, for personalised rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections

from recommender.garments.categories import discreet_ids
from recommender.models import EmbeddingModel
from recommender.search.candidates import FIRST_EMBEDDED, SETTINGS, Strategy, choose_strategy
from recommender.search.replica import read_with_fallback
from shop.catalogue.browsing.filters import Filters
from shop.core.db import execute_with_settings

HISTORY = """
WITH {weighted},
seed AS MATERIALIZED (
    SELECT product.id, product.category_id, weighted.reason, weighted.weight, picture.embedding,
        picture.duplicate_group
    FROM weighted JOIN catalogue_product AS product USING (id)
    CROSS JOIN LATERAL ({first_embedded}) AS picture
    WHERE product.listed ORDER BY weighted.weight DESC, product.id DESC LIMIT %(seeds)s)
SELECT seed.id, seed.reason, seed.weight, neighbour.product_id, neighbour.duplicate_group,
    halfvec_send(neighbour.embedding), COALESCE(popular.baskets, 0), %(spread)s::float8
FROM seed CROSS JOIN LATERAL (
    SELECT embedded.product_id, embedded.duplicate_group, embedded.embedding
    FROM {table} AS embedded
    WHERE embedded.embedding IS NOT NULL AND embedded.available
        AND embedded.product_id <> ALL (ARRAY(SELECT id FROM history))
        AND (embedded.category_id = seed.category_id
            OR embedded.category_id <> ALL (%(discreet)s::bigint[]))
    ORDER BY embedded.embedding <-> seed.embedding LIMIT %(each)s) AS neighbour
LEFT JOIN recommender_popularity AS popular ON popular.product_id = neighbour.product_id
UNION ALL
SELECT id, reason, weight, id, duplicate_group, halfvec_send(embedding), 0, %(spread)s::float8
FROM seed
"""
HISTORY_SETTINGS: dict[Strategy, dict[str, object]] = {
    Strategy.HNSW: SETTINGS[Strategy.HNSW] | {"hnsw.iterative_scan": "strict_order"},
    Strategy.EXACT: SETTINGS[Strategy.EXACT] | {"enable_indexscan": False},
}


@dataclass(frozen=True)
class HistoryNeighbour:
    """Holds a seed (a product of the visitor's history), or a neighbour of the product ``seed``.

    ``embedding`` is in PostgreSQL's binary format, ``spread`` is that of the embedding's model, and
    ``baskets`` is the popularity of the product.
    """

    seed: int
    reason: str
    weight: float
    product_id: int
    duplicate_group: int
    embedding: bytes
    baskets: int
    spread: float


def neighbours_of_history(weighted: str, values: dict[str, Any]) -> list[HistoryNeighbour]:
    """Return the seeds, which are the products with the highest weights, and their neighbours.

    ``weighted`` is SQL that defines the tables ``history (id, …)``, whose products are never
    neighbours, and ``weighted (id, reason, weight)``. ``values`` are the parameters of this SQL,
    the number of ``seeds`` and the number of neighbours of ``each`` seed.
    """

    def search(server: str) -> list[HistoryNeighbour]:
        model = EmbeddingModel.objects.using(server).active()
        first = FIRST_EMBEDDED.format(table=model.table, product="product.id")
        sql = HISTORY.format(weighted=weighted, table=model.table, first_embedded=first)
        with connections[server].cursor() as cursor:
            limits = {"spread": model.spread, "discreet": discreet_ids()}
            settings = HISTORY_SETTINGS[choose_strategy(cursor, model.table, Filters())]
            execute_with_settings(cursor, sql, {**values, **limits}, settings)
            return [HistoryNeighbour(*row) for row in cursor.fetchall()]

    return read_with_fallback(search)
