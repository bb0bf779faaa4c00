"""Find the nearest five: THE nearest-five SQL.

Embeddings are L2-normalised, so the order by L2 distance is the order by cosine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, connections

from recommender.models import EmbeddingModel, QueryPhoto
from recommender.search.candidates import SETTINGS, Strategy, candidate_sql, choose_strategy
from recommender.search.replica import read_with_fallback
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Product
from shop.core.db import execute_with_settings

ROW_SIZE = 5
# Several images a product and copies are among them.
CANDIDATES = 64

NEAREST = """
WITH query AS MATERIALIZED ({query}),
candidates AS MATERIALIZED ({candidates} LIMIT %(candidates)s),
best_per_product AS (
    SELECT DISTINCT ON (product_id) * FROM candidates WHERE product_id NOT IN (
        SELECT product_id FROM candidates WHERE duplicate_group IN ({own_groups}))
    ORDER BY product_id, distance),
distinct_products AS (
    SELECT DISTINCT ON (duplicate_group) product_id, distance FROM best_per_product
    ORDER BY duplicate_group, distance, product_id)
SELECT (SELECT count(*) FROM candidates), found.product_id, found.distance
FROM (SELECT) AS always LEFT JOIN (
    SELECT * FROM distinct_products ORDER BY distance, product_id LIMIT %(limit)s) AS found ON true
ORDER BY found.distance, found.product_id
"""
OF_PRODUCT = """SELECT embedded.embedding FROM {table} AS embedded
    JOIN catalogue_productimage AS image ON image.id = embedded.image_id
    WHERE embedded.product_id = %(product)s AND embedded.embedding IS NOT NULL
    ORDER BY image.position, image.id LIMIT 1"""
OWN_GROUPS = """SELECT duplicate_group FROM {table}
        WHERE product_id = %(product)s AND duplicate_group IS NOT NULL"""


@dataclass(frozen=True)
class Neighbour:
    product_id: int
    distance: float


def similar_to_product(
    product: Product, filters: Filters | None = None, *, count: int = ROW_SIZE
) -> list[Product]:
    """Return the products that look most like this one, nearest first; fewer rather than padded."""
    chosen = filters or Filters()
    return _products(
        read_with_fallback(lambda server: _like_product(server, product, chosen, count))
    )


def similar_ids(product: Product, *, count: int = ROW_SIZE) -> list[int]:
    """Return the ids of ``similar_to_product``.

    A lagging replica may include products that are no longer listed.
    """
    found = read_with_fallback(lambda server: _like_product(server, product, Filters(), count))
    return [neighbour.product_id for neighbour in found]


def _like_product(server: str, product: Product, filters: Filters, count: int) -> list[Neighbour]:
    model = EmbeddingModel.objects.using(server).active()
    parts = {
        "query": OF_PRODUCT.format(table=model.table),
        "own_groups": OWN_GROUPS.format(table=model.table),
    }
    values = {"product": product.pk, "excluded": product.pk}
    return _nearest(server, model, parts, values, filters, count)


def similar_to_photo(
    photo: QueryPhoto, filters: Filters | None = None, *, count: int = ROW_SIZE
) -> list[Product]:
    """Return the products that look most like the photo, if the active model has seen it."""
    chosen = filters or Filters()
    return _products(read_with_fallback(lambda server: _like_photo(server, photo, chosen, count)))


def _like_photo(server: str, photo: QueryPhoto, filters: Filters, count: int) -> list[Neighbour]:
    model = EmbeddingModel.objects.using(server).active()
    if photo.embedding_model_id != model.pk:
        return []
    # Sent along: a moment after it was written a replica cannot have it.
    vector = QueryPhoto._meta.get_field("embedding").get_prep_value(photo.embedding)
    parts = {"query": "SELECT %(vector)s::halfvec AS embedding", "own_groups": "SELECT 0"}
    values = {"vector": vector, "excluded": 0}
    return _nearest(server, model, parts, values, filters, count)


def _nearest(
    server: str,
    model: EmbeddingModel,
    parts: dict[str, str],
    values: dict[str, Any],
    filters: Filters,
    count: int,
) -> list[Neighbour]:
    """Return products by ascending L2 distance, ties by primary key, no two copies.

    Takes more candidates where copies leave too few products, and compares every row where the
    index has no more.
    """
    wanted = max(CANDIDATES, 4 * count)
    with connections[server].cursor() as cursor:
        strategy = choose_strategy(cursor, model.table, filters)
        while True:
            sql, more = nearest_sql(strategy, model, parts, filters)
            limits = {"candidates": wanted, "limit": count}
            execute_with_settings(cursor, sql, {**values, **more, **limits}, SETTINGS[strategy])
            rows = cursor.fetchall()
            # The first column counts the candidates; without a neighbour the others are null.
            exhausted = rows[0][0] < wanted
            found = [Neighbour(*row[1:]) for row in rows if row[1] is not None]
            if len(found) == count or (exhausted and strategy is Strategy.EXACT):
                return found
            if exhausted:
                strategy = Strategy.EXACT
            else:
                wanted *= 4


def nearest_sql(
    strategy: Strategy, model: EmbeddingModel, parts: dict[str, str], filters: Filters
) -> tuple[str, dict[str, Any]]:
    """Return the SQL of a search and the parameters of its filters."""
    candidates, values = candidate_sql(strategy, model.table, filters)
    return NEAREST.format(candidates=candidates, **parts), values


def _products(neighbours: list[Neighbour]) -> list[Product]:
    """Return the products with their card data, in the neighbours' order; two queries."""
    found = (
        Product.objects.listed()
        .in_stock()
        .with_card_data()
        .in_bulk([n.product_id for n in neighbours])
    )
    return [found[n.product_id] for n in neighbours if n.product_id in found]


def retrieves_itself(model: EmbeddingModel, image_id: int, vector: list[float]) -> bool:
    """Return whether the image is among the five nearest to the vector, other copies aside."""
    sql = f"""SELECT count(*) < {ROW_SIZE} FROM {model.table} AS other, {model.table} AS own
        WHERE own.image_id = %(image)s AND other.duplicate_group <> own.duplicate_group
        AND other.embedding <-> %(vector)s::halfvec <= own.embedding <-> %(vector)s::halfvec"""  # noqa: S608 - tables of ours
    with connection.cursor() as cursor:
        cursor.execute(sql, {"vector": str(vector), "image": image_id})
        return bool(cursor.fetchone()[0])
