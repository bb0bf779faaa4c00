"""THE nearest-five SQL.

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
from shop.catalogue.models import SEARCH_CONFIG, Product

FIVE = 5
CANDIDATES = 50
# Up to so many pictures a plain scan is exact and as fast as the index: 4 microseconds each.
EXACT_LIMIT = 2000
EF_SEARCH = 64
# Nearer to each other, two pictures are copies: ``docs/quality/duplicates.md`` has the figures.
SAME = 0.05

NEAREST = """
WITH query AS MATERIALIZED ({query}),
candidates AS MATERIALIZED (
    SELECT image.id
    FROM catalogue_productimage AS image
    JOIN catalogue_product AS product ON product.id = image.product_id
    WHERE {conditions}
    {order}
),
near AS MATERIALIZED (
    SELECT image.product_id, image.{column} AS vector,
        image.{column} <-> (SELECT vector FROM query) AS distance
    FROM candidates JOIN catalogue_productimage AS image USING (id)
    WHERE (SELECT vector FROM query) IS NOT NULL AND (SELECT state FROM
        recommender_embeddingmodel WHERE id = %(model)s) NOT IN ('freeing', 'retired')
),
one_each AS (SELECT DISTINCT ON (product_id) * FROM near ORDER BY product_id, distance),
best AS MATERIALIZED (SELECT * FROM one_each WHERE distance >= %(apart)s
    ORDER BY distance, product_id LIMIT %(count)s)
SELECT one.product_id, one.distance, ARRAY(
    SELECT other.product_id FROM best AS other
    WHERE other.distance BETWEEN one.distance - %(same)s AND one.distance
        AND other.product_id <> one.product_id AND other.vector <-> one.vector < %(same)s)
FROM best AS one ORDER BY one.distance, one.product_id
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
    """``copies``: the products no farther away whose picture is nearer to its own than ``SAME``."""

    product_id: int
    distance: float
    copies: list[int]


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
    found = nearest(model, query, parameters, filters or Filters(), count)
    if not found and EmbeddingModel.objects.active() != model:  # its column may be empty by now
        return similar_to_product(product, filters, count=count)
    return _products(found)


def similar_to_photo(
    photo: QueryPhoto, filters: Filters | None = None, *, count: int = FIVE
) -> list[Product]:
    """The products that look most like the photo, by the model that saw the photo."""
    model = photo.embedding_model or EmbeddingModel.objects.active()
    query = """SELECT embedding AS vector FROM recommender_queryphoto
    WHERE id = %(source)s AND COALESCE(embedding_model_id, %(model)s) = %(model)s"""
    parameters: dict[str, Any] = {"source": photo.pk, "excluded": 0}
    found = nearest(model, query, parameters, filters or Filters(), count)
    seen = QueryPhoto.objects.filter(pk=photo.pk).select_related("embedding_model")
    if not found and (new := seen.exclude(embedding_model=photo.embedding_model_id).first()):
        return similar_to_photo(new, filters, count=count)
    return _products(found)


def nearest(
    model: EmbeddingModel, query: str, parameters: dict[str, Any], filters: Filters, count: int
) -> list[Neighbour]:
    """``query`` selects one vector. L2 distances, ascending; ties by primary key; no two copies.

    Few candidates are compared one by one; many go through the index. Should the index bring fewer
    products than asked for (filters that almost nothing passes), all candidates are compared.
    A search with a product leaves out the copies of its own picture as well.
    """
    wanted = 2 * count + 2
    with transaction.atomic(), connection.cursor() as cursor:
        exact = decide(cursor, model, parameters, filters)
        while True:
            todo = statement(model, query, parameters, filters, wanted, exact=exact)
            rows = _run(cursor, todo)
            found = _distinct(rows)[:count]
            if len(found) == count or (exact and len(rows) < wanted):
                return found
            if len(rows) == wanted:
                wanted *= 4
            elif not exact:
                cursor.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on")
                exact = True


def _distinct(rows: list[Neighbour]) -> list[Neighbour]:
    """Of each picture's copies the first."""
    kept: dict[int, Neighbour] = {}
    for row in rows:
        if kept.keys().isdisjoint(row.copies):
            kept[row.product_id] = row
    return list(kept.values())


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
    limits = {"count": count, "candidates": max(CANDIDATES, 4 * count), "model": model.pk}
    copies = {"same": SAME, "apart": SAME if parameters["excluded"] else 0.0}
    return Statement(sql, {**parameters, **values, **limits, **copies})


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
        "not_colours": (
            "product.base_colour <> ALL(%(not_colours)s)",
            list(filters.not_colours),
        ),
        "not_categories": (
            "product.category_id <> ALL(%(not_categories)s)",
            list(filters.not_category_ids),
        ),
        "words": (f"product.search @@ to_tsquery('{SEARCH_CONFIG}', %(words)s)", filters.words),
    }
    values: dict[str, Any] = {}
    for name, (clause, value) in wanted.items():
        if value is not None and value not in ([], ""):
            clauses.append(clause)
            values[name] = value
    return "\n      AND ".join(clauses), values


def _products(neighbours: list[Neighbour]) -> list[Product]:
    """The products with their card data, in the neighbours' order; two queries."""
    found = Product.objects.with_card_data().in_bulk([n.product_id for n in neighbours])
    return [found[n.product_id] for n in neighbours if n.product_id in found]


def finds_again(model: EmbeddingModel, image_id: int, vector: list[float]) -> bool:
    """Whether this picture is among the five nearest to the vector; other copies count with it."""
    sql = f"""SELECT count(*) < {FIVE} FROM catalogue_productimage AS other,
        catalogue_productimage AS own WHERE own.id = %(image)s AND other.file <> own.file
        AND other.{model.column} <-> %(vector)s::halfvec <= own.{model.column} <-> %(vector)s"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"vector": str(vector), "image": image_id})
        return bool(cursor.fetchone()[0])
