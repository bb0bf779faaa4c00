"""THE nearest-five SQL.

The vectors are L2-normalised, so the order by L2 distance is the order by cosine. A row holds the
first 256 values of its vector as a sketch (``recommender.rotation``), and so does the index; the
best ``CANDIDATES`` by sketch are ordered again by all 2,048 values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, connections
from django.db.backends.utils import CursorWrapper

from recommender.models import EmbeddingModel, QueryPhoto
from recommender.nearest.where import PRIMARY, searched
from shop.catalogue.filters import Filters
from shop.catalogue.models import SEARCH_CONFIG, Product

FIVE = 5
CANDIDATES = 50
# In a table of so few pictures all are compared one by one.
SMALL = 2000
# So are those that filters let pass, if they are fewer than so many times the square root of the
# pictures: that many take as long as the index, which has to go past the others. And so are more,
# if the index visited one for every ``EXACT_FOR_ONE`` of them without finding enough. ADR 8.
EXACT_ROOTS = 17
EXACT_FOR_ONE = 14
LEAST_VISITS, VISITS = 1000, 20_000
EF_SEARCH = 64
# Nearer to each other, two pictures are copies: ``docs/quality/duplicates.md`` has the figures.
SAME = 0.05

# ``subvector`` takes a vector out of line once; else each comparison would read its 4 KB again.
NEAREST = """
WITH query AS MATERIALIZED (
    SELECT subvector(vector, 1, 2048) AS vector, subvector(vector, 1, 256)::halfvec(256) AS sketch
    FROM ({query}) AS source
),
usable AS MATERIALIZED (SELECT FROM query, recommender_embeddingmodel AS model
    WHERE query.vector IS NOT NULL AND model.id = %(model)s
        AND model.state NOT IN ('freeing', 'retired')),
candidates AS MATERIALIZED ({candidates} LIMIT %(candidates)s),
near AS MATERIALIZED (
    SELECT image.product_id, image.{column} AS vector,
        image.{column} <-> (SELECT vector FROM query) AS distance
    FROM candidates JOIN catalogue_productimage AS image USING (id)
),
one_each AS (SELECT DISTINCT ON (product_id) * FROM near ORDER BY product_id, distance),
first AS (SELECT * FROM one_each WHERE distance >= %(apart)s
    ORDER BY distance, product_id LIMIT %(count)s),
best AS MATERIALIZED (
    SELECT product_id, distance, subvector(vector, 1, 2048) AS vector FROM first)
SELECT (SELECT count(*) FROM candidates), one.product_id, one.distance, ARRAY(
    SELECT other.product_id FROM best AS other
    WHERE other.distance BETWEEN one.distance - %(same)s AND one.distance
        AND other.product_id <> one.product_id AND other.vector <-> one.vector < %(same)s)
FROM (SELECT) AS always LEFT JOIN best AS one ON true ORDER BY one.distance, one.product_id
"""
BY_INDEX = """
    SELECT image.id
    FROM catalogue_productimage AS image
    JOIN catalogue_product AS product ON product.id = image.product_id
    WHERE EXISTS (SELECT FROM usable) AND {conditions}
    ORDER BY image.{sketch} <-> (SELECT sketch FROM query)"""
# OFFSET 0: first all distances, then the order; not along the index, nor by sorting whole rows.
ONE_BY_ONE = """
    SELECT id FROM (
        SELECT image.id, image.{sketch} <-> (SELECT sketch FROM query) AS distance
        FROM catalogue_productimage AS image
        JOIN catalogue_product AS product ON product.id = image.product_id
        WHERE EXISTS (SELECT FROM usable) AND {conditions} OFFSET 0) AS every
    ORDER BY distance"""
# In the same message as the statement, so that a page waits for one answer only. Along the index
# the planner may neither scan nor sort, whatever it thinks that costs.
PLAN = """SELECT set_config('hnsw.ef_search', %(ef_search)s::text, true),
    set_config('hnsw.iterative_scan', 'relaxed_order', true),
    set_config('hnsw.max_scan_tuples', %(visits)s::text, true), set_config('jit', 'off', true),
    set_config('random_page_cost', '1.1', true),
    set_config('max_parallel_workers_per_gather', '0', true),
    set_config('enable_seqscan', %(plan)s, true), set_config('enable_sort', %(plan)s, true);
"""
UNPLAN = """;
SELECT set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true)"""
# A small table is counted: the statistics of one that shrank are stale.
DECIDE = f"""SELECT count(*), (SELECT reltuples FROM pg_class WHERE oid =
        'catalogue_productimage'::regclass) FROM (SELECT FROM catalogue_productimage
    LIMIT {SMALL}) AS few;
"""  # noqa: S608 - a number of ours
ESTIMATE = """EXPLAIN (FORMAT JSON) SELECT FROM catalogue_productimage AS image
    JOIN catalogue_product AS product ON product.id = image.product_id WHERE {conditions}"""


@dataclass(frozen=True)
class Neighbour:
    """``copies``: the products no farther away whose picture is nearer to its own than ``SAME``."""

    product_id: int
    distance: float
    copies: list[int]


@dataclass(frozen=True)
class Way:
    """All candidates one by one, or along the index until so many pictures were visited."""

    exact: bool
    visits: int = VISITS


@dataclass(frozen=True)
class Statement:
    """The planner's settings, the SQL and its parameters: a test can EXPLAIN what really runs."""

    plan: str
    sql: str
    parameters: dict[str, Any]


def similar_to_product(
    product: Product, filters: Filters | None = None, *, count: int = FIVE
) -> list[Product]:
    """The products that look most like this one, nearest first; without it, and never padded."""
    chosen = filters or Filters()
    return _products(searched(lambda server: _like_product(server, product, chosen, count)))


def _like_product(server: str, product: Product, filters: Filters, count: int) -> list[Neighbour]:
    models = EmbeddingModel.objects.using(server)
    model = models.active()
    query = f"""SELECT {model.column} AS vector FROM catalogue_productimage
    WHERE product_id = %(source)s AND {model.column} IS NOT NULL
    ORDER BY position, id LIMIT 1"""  # noqa: S608 - the column is one of two names
    parameters: dict[str, Any] = {"source": product.pk, "excluded": product.pk}
    found = nearest(model, query, parameters, filters, count, server=server)
    if not found and models.active() != model:  # its column may be empty by now
        return _like_product(server, product, filters, count)
    return found


def similar_to_photo(
    photo: QueryPhoto, filters: Filters | None = None, *, count: int = FIVE
) -> list[Product]:
    """The products that look most like the photo, by the model that saw the photo."""
    chosen = filters or Filters()
    return _products(searched(lambda server: _like_photo(server, photo, chosen, count)))


def _like_photo(server: str, photo: QueryPhoto, filters: Filters, count: int) -> list[Neighbour]:
    active = EmbeddingModel.objects.using(server).active()
    model = photo.embedding_model or active
    if server != PRIMARY and model != active:
        return []  # it has not heard of the switch, and may lack some of the model's vectors
    # Sent along: a moment after it was written a replica cannot have it.
    vector = QueryPhoto._meta.get_field("embedding").get_prep_value(photo.embedding)
    parameters: dict[str, Any] = {"vector": vector, "excluded": 0}
    query = "SELECT %(vector)s::halfvec AS vector"
    found = nearest(model, query, parameters, filters, count, server=server)
    seen = QueryPhoto.objects.filter(pk=photo.pk).select_related("embedding_model")
    if not found and (new := seen.exclude(embedding_model=photo.embedding_model_id).first()):
        return _like_photo(server, new, filters, count)
    return found


def nearest(
    model: EmbeddingModel,
    query: str,
    parameters: dict[str, Any],
    filters: Filters,
    count: int,
    *,
    server: str = PRIMARY,
) -> list[Neighbour]:
    """``query`` selects one vector. L2 distances, ascending; ties by primary key; no two copies.

    Few candidates are compared one by one; many go through the index. Should the index bring fewer
    products than asked for (filters that almost nothing passes), all candidates are compared.
    A search with a product leaves out the copies of its own picture as well.
    """
    wanted = 2 * count + 2
    with connections[server].cursor() as cursor:
        way = decide(cursor, model, parameters, filters)
        while True:
            todo = statement(model, query, parameters, filters, wanted, way)
            brought, rows = _run(cursor, todo)
            exhausted = brought < todo.parameters["candidates"]
            if exhausted and not way.exact:
                way = Way(exact=True)
                continue
            found = _distinct(rows)[:count]
            if len(found) == count or (exhausted and len(rows) < wanted):
                return found
            wanted *= 4


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
    way: Way,
) -> Statement:
    conditions, values = _conditions(model, filters)
    ways = ONE_BY_ONE if way.exact else BY_INDEX
    candidates = ways.format(conditions=conditions, sketch=model.sketch)
    sql = NEAREST.format(query=query, candidates=candidates, column=model.column)
    limits = {"count": count, "candidates": max(CANDIDATES, 4 * count), "model": model.pk}
    copies = {"same": SAME, "apart": SAME if parameters["excluded"] else 0.0}
    plan = {"plan": "on" if way.exact else "off", "ef_search": EF_SEARCH, "visits": way.visits}
    return Statement(PLAN, sql, {**parameters, **values, **limits, **copies, **plan})


def decide(
    cursor: CursorWrapper, model: EmbeddingModel, parameters: dict[str, Any], filters: Filters
) -> Way:
    """One by one if the candidates are few, or the planner thinks so."""
    if not filters:
        cursor.execute(DECIDE)
        return Way(exact=cursor.fetchone()[0] < SMALL)
    conditions, values = _conditions(model, filters)
    cursor.execute(DECIDE + ESTIMATE.format(conditions=conditions), {**parameters, **values})
    sampled, pictures = cursor.fetchone()
    cursor.nextset()
    passing = cursor.fetchone()[0][0]["Plan"]["Plan Rows"]
    few = sampled < SMALL or passing < EXACT_ROOTS * max(pictures, 0) ** 0.5
    return Way(few, max(LEAST_VISITS, passing // EXACT_FOR_ONE))


def _run(cursor: CursorWrapper, todo: Statement) -> tuple[int, list[Neighbour]]:
    """How many candidates there were, and the nearest of them."""
    cursor.execute(f"{todo.plan}{todo.sql}{UNPLAN}", todo.parameters)
    cursor.nextset()
    rows = cursor.fetchall()
    return rows[0][0], [Neighbour(*row[1:]) for row in rows if row[1] is not None]


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
    found = (
        Product.objects.listed()
        .in_stock()
        .with_card_data()
        .in_bulk([n.product_id for n in neighbours])
    )
    return [found[n.product_id] for n in neighbours if n.product_id in found]


def finds_again(model: EmbeddingModel, image_id: int, vector: list[float]) -> bool:
    """Whether this picture is among the five nearest to the vector; other copies count with it."""
    sql = f"""SELECT count(*) < {FIVE} FROM catalogue_productimage AS other,
        catalogue_productimage AS own WHERE own.id = %(image)s AND other.file <> own.file
        AND other.{model.column} <-> %(vector)s::halfvec <= own.{model.column} <-> %(vector)s"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"vector": str(vector), "image": image_id})
        return bool(cursor.fetchone()[0])
