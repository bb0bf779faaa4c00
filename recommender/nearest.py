"""THE nearest-five SQL. Nobody else writes vector SQL.

The vectors are L2-normalised, so the order by L2 distance is the order by cosine. The index holds
the first 256 values of each vector (``recommender.rotation``); the best ``CANDIDATES`` by the index
are ordered again by all 2,048 values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from recommender.models import EmbeddingModel, QueryPhoto
from shop.catalogue.filters import Filters
from shop.catalogue.models import Product

FIVE = 5
CANDIDATES = 50
# Up to so many pictures a plain scan is exact and as fast as the index: 4 microseconds each.
EXACT_LIMIT = 2000
EF_SEARCH = 64

NEAREST = """
WITH query AS MATERIALIZED ({query}),
candidates AS MATERIALIZED (
    SELECT image.id
    FROM catalogue_productimage AS image
    JOIN catalogue_product AS product ON product.id = image.product_id
    WHERE {conditions}
    {order}
)
SELECT image.product_id, min(image.{column} <-> (SELECT vector FROM query)) AS distance
FROM candidates JOIN catalogue_productimage AS image USING (id)
WHERE (SELECT vector FROM query) IS NOT NULL
GROUP BY image.product_id
ORDER BY distance, image.product_id
LIMIT %(count)s
"""
BY_INDEX = """ORDER BY subvector(image.{column}, 1, 256)::halfvec(256)
        <-> subvector((SELECT vector FROM query), 1, 256)::halfvec(256)
    LIMIT %(candidates)s"""
# The planner does not count the cost of vectors stored out of line, and would scan the table:
# on the way through the index it may neither scan nor sort.
# Counts and sets in one go. Without filters a large table is not counted: that would take as long
# as searching.
DECIDE = """
WITH found AS (SELECT CASE WHEN %(big)s > 0 AND (
    SELECT reltuples FROM pg_class WHERE oid = 'catalogue_productimage'::regclass) > %(big)s
THEN %(limit)s ELSE (SELECT count(*) FROM (
    SELECT 1 FROM catalogue_productimage AS image
    JOIN catalogue_product AS product ON product.id = image.product_id
    WHERE {conditions} LIMIT %(limit)s
) AS sample) END AS candidates),
choice AS (SELECT candidates < %(limit)s AS few FROM found)
SELECT few, set_config('hnsw.ef_search', %(ef_search)s, true),
       set_config('hnsw.iterative_scan', 'strict_order', true),
       set_config('hnsw.max_scan_tuples', '200000', true),
       set_config('enable_seqscan', CASE WHEN few THEN 'on' ELSE 'off' END, true),
       set_config('enable_sort', CASE WHEN few THEN 'on' ELSE 'off' END, true)
FROM choice
"""


@dataclass(frozen=True)
class Neighbour:
    product_id: int
    distance: float


@dataclass(frozen=True)
class Statement:
    """The SQL and its parameters, so that a test can EXPLAIN what really runs."""

    sql: str
    parameters: dict[str, Any]


def similar_to_product(
    product: Product, filters: Filters | None = None, *, count: int = FIVE
) -> list[Product]:
    """The products that look most like this one, nearest first; without it, and never padded."""
    model = EmbeddingModel.objects.active()
    query = f"""SELECT {model.column} AS vector FROM catalogue_productimage
    WHERE product_id = %(source)s AND {model.column} IS NOT NULL
    ORDER BY position, id LIMIT 1"""  # noqa: S608 - the column is one of two names
    parameters: dict[str, Any] = {"source": product.pk, "excluded": product.pk}
    return _products(nearest(model, query, parameters, filters or Filters(), count))


def similar_to_photo(
    photo: QueryPhoto, filters: Filters | None = None, *, count: int = FIVE
) -> list[Product]:
    """The products that look most like the photo, by the model that saw the photo."""
    model = photo.embedding_model or EmbeddingModel.objects.active()
    query = "SELECT embedding AS vector FROM recommender_queryphoto WHERE id = %(source)s"
    parameters: dict[str, Any] = {"source": photo.pk, "excluded": 0}
    return _products(nearest(model, query, parameters, filters or Filters(), count))


def nearest(
    model: EmbeddingModel, query: str, parameters: dict[str, Any], filters: Filters, count: int
) -> list[Neighbour]:
    """``query`` selects one vector. L2 distances, ascending; ties by primary key.

    Few candidates are compared one by one; many go through the index. Should the index bring fewer
    products than asked for (filters that almost nothing passes), all candidates are compared.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        exact = decide(cursor, model, parameters, filters)
        found = _run(cursor, statement(model, query, parameters, filters, count, exact=exact))
        if len(found) < count and not exact:
            cursor.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on")
            found = _run(cursor, statement(model, query, parameters, filters, count, exact=True))
    return found


def statement(
    model: EmbeddingModel,
    query: str,
    parameters: dict[str, Any],
    filters: Filters,
    count: int,
    *,
    exact: bool,
) -> Statement:
    conditions, values = _conditions(model, filters)
    order = "" if exact else BY_INDEX.format(column=model.column)
    sql = NEAREST.format(query=query, conditions=conditions, order=order, column=model.column)
    limits = {"count": count, "candidates": max(CANDIDATES, 10 * count)}
    return Statement(sql, {**parameters, **values, **limits})


def decide(
    cursor: CursorWrapper, model: EmbeddingModel, parameters: dict[str, Any], filters: Filters
) -> bool:
    """Whether to compare all candidates. Sets for this transaction how the planner is to go."""
    conditions, values = _conditions(model, filters)
    limits: dict[str, Any] = {
        "limit": EXACT_LIMIT + 1,
        "big": -1 if filters else 4 * EXACT_LIMIT,
        "ef_search": str(EF_SEARCH),
    }
    cursor.execute(DECIDE.format(conditions=conditions), {**parameters, **values, **limits})
    return bool(cursor.fetchone()[0])


def _run(cursor: CursorWrapper, todo: Statement) -> list[Neighbour]:
    cursor.execute(todo.sql, todo.parameters)
    return [Neighbour(*row) for row in cursor.fetchall()]


def _conditions(model: EmbeddingModel, filters: Filters) -> tuple[str, dict[str, Any]]:
    """What a neighbour must be: listed, in stock, another product, and what the filters say."""
    clauses = [
        f"image.{model.column} IS NOT NULL",
        "product.listed AND product.stock > 0",
        "product.id <> %(excluded)s",
    ]
    wanted = {
        "genders": ("product.gender = ANY(%(genders)s)", list(filters.genders)),
        "colours": ("product.base_colour = ANY(%(colours)s)", list(filters.colours)),
        "categories": ("product.category_id = ANY(%(categories)s)", list(filters.category_ids)),
        "price_from": ("product.price >= %(price_from)s", filters.price_from),
        "price_to": ("product.price <= %(price_to)s", filters.price_to),
    }
    values: dict[str, Any] = {}
    for name, (clause, value) in wanted.items():
        if value is not None and value != []:
            clauses.append(clause)
            values[name] = value
    return "\n      AND ".join(clauses), values


def _products(neighbours: list[Neighbour]) -> list[Product]:
    """The products with their card data, in the neighbours' order; two queries."""
    found = Product.objects.with_card_data().in_bulk([n.product_id for n in neighbours])
    return [found[n.product_id] for n in neighbours if n.product_id in found]
