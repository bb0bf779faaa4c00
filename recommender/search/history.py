"""Find what is near to several products at once, for rows that are personal."""

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
WITH {weighed},
seed AS MATERIALIZED (
    SELECT product.id, product.category_id, weighed.reason, weighed.weight, picture.embedding,
        picture.duplicate_group
    FROM weighed JOIN catalogue_product AS product USING (id)
    CROSS JOIN LATERAL ({first_embedded}) AS picture
    WHERE product.listed ORDER BY weighed.weight DESC, product.id DESC LIMIT %(seeds)s)
SELECT seed.id, seed.reason, seed.weight, near.product_id, near.duplicate_group,
    halfvec_send(near.embedding), COALESCE(popular.baskets, 0), %(spread)s::float8
FROM seed CROSS JOIN LATERAL (
    SELECT embedded.product_id, embedded.duplicate_group, embedded.embedding
    FROM {table} AS embedded
    WHERE embedded.embedding IS NOT NULL AND embedded.available
        AND embedded.product_id <> ALL (ARRAY(SELECT id FROM history))
        AND (embedded.category_id = seed.category_id
            OR embedded.category_id <> ALL (%(discreet)s::bigint[]))
    ORDER BY embedded.embedding <-> seed.embedding LIMIT %(each)s) AS near
LEFT JOIN recommender_popularity AS popular ON popular.product_id = near.product_id
UNION ALL
SELECT id, reason, weight, id, duplicate_group, halfvec_send(embedding), 0, %(spread)s::float8
FROM seed
"""
HISTORY_SETTINGS: dict[Strategy, dict[str, object]] = {
    Strategy.HNSW: SETTINGS[Strategy.HNSW] | {"hnsw.iterative_scan": "strict_order"},
    Strategy.EXACT: SETTINGS[Strategy.EXACT] | {"enable_indexscan": False},
}


@dataclass(frozen=True)
class Near:
    """A product near one of a visitor's, the ``seed``, or that one itself.

    ``embedding`` is as PostgreSQL sends it, ``spread`` its network's, and ``baskets`` the product's
    popularity.
    """

    seed: int
    reason: str
    weight: float
    product_id: int
    duplicate_group: int
    embedding: bytes
    baskets: int
    spread: float


def near_history(weighed: str, values: dict[str, Any]) -> list[Near]:
    """Return a visitor's heaviest products, at most ``seeds``, and the ``each`` nearest of each.

    ``weighed`` defines the SQL tables ``history (id, …)``, none of which is found, and
    ``weighed (id, reason, weight)``; ``recommender.recommendations.personalised`` has it.
    """

    def search(server: str) -> list[Near]:
        model = EmbeddingModel.objects.using(server).active()
        first = FIRST_EMBEDDED.format(table=model.table, product="product.id")
        sql = HISTORY.format(weighed=weighed, table=model.table, first_embedded=first)
        with connections[server].cursor() as cursor:
            limits = {"spread": model.spread, "discreet": discreet_ids()}
            settings = HISTORY_SETTINGS[choose_strategy(cursor, model.table, Filters())]
            execute_with_settings(cursor, sql, {**values, **limits}, settings)
            return [Near(*row) for row in cursor.fetchall()]

    return read_with_fallback(search)
