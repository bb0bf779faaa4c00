"""THE nearest-five SQL.

The vectors are L2-normalised, so the order by L2 distance is the order by cosine. A row holds the
first 256 values of its vector as a sketch (``recommender.rotation``), and so does the index; the
best ``CANDIDATES`` by sketch are ordered again by all 2,048 values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, connections

from recommender.models import EmbeddingModel, QueryPhoto
from recommender.nearest.candidates import CANDIDATES, PLAN, UNPLAN, Way, decide, sql_of
from recommender.replica import PRIMARY, searched
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Product

ROW_SIZE = 5
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


@dataclass(frozen=True)
class Neighbour:
    """``copies``: the products no farther away whose picture is nearer to its own than ``SAME``."""

    product_id: int
    distance: float
    copies: list[int]


def similar_to_product(
    product: Product, filters: Filters | None = None, *, count: int = ROW_SIZE
) -> list[Product]:
    """The products that look most like this one, nearest first; without it, and never padded."""
    chosen = filters or Filters()
    return _products(searched(lambda server: _like_product(server, product, chosen, count)))


def similar_ids(product: Product, *, count: int = ROW_SIZE) -> list[int]:
    """Of the same products; a replica may not know yet which of them is listed no more."""
    found = searched(lambda server: _like_product(server, product, Filters(), count))
    return [neighbour.product_id for neighbour in found]


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
    photo: QueryPhoto, filters: Filters | None = None, *, count: int = ROW_SIZE
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

    Should the graph bring fewer products than asked for (almost nothing is in stock), all
    candidates are compared.
    A search with a product leaves out the copies of its own picture as well.
    """
    wanted = 2 * count + 2
    with connections[server].cursor() as cursor:
        way = decide(cursor, model, parameters, filters)
        while True:
            sql, values = statement(model, query, parameters, filters, wanted, way)
            cursor.execute(f"{PLAN}{sql}{UNPLAN}", values)
            cursor.nextset()
            found = cursor.fetchall()
            # The first column counts the candidates; without a neighbour the others are null.
            exhausted = found[0][0] < values["candidates"]
            rows = [Neighbour(*row[1:]) for row in found if row[1] is not None]
            if exhausted and way is Way.GRAPH:
                way = Way.ONE_BY_ONE
                continue
            distinct = _distinct(rows)[:count]
            if len(distinct) == count or (exhausted and len(rows) < wanted):
                return distinct
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
) -> tuple[str, dict[str, Any]]:
    """Return the SQL that ``nearest`` runs, without the planner's settings, and its parameters."""
    candidates, values = sql_of(way, model, filters)
    sql = NEAREST.format(query=query, candidates=candidates, column=model.column)
    limits = {"count": count, "candidates": max(CANDIDATES[way], 4 * count), "model": model.pk}
    copies = {"same": SAME, "apart": SAME if parameters["excluded"] else 0.0}
    return sql, {**parameters, **values, **limits, **copies}


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
    sql = f"""SELECT count(*) < {ROW_SIZE} FROM catalogue_productimage AS other,
        catalogue_productimage AS own WHERE own.id = %(image)s AND other.file <> own.file
        AND other.{model.column} <-> %(vector)s::halfvec <= own.{model.column} <-> %(vector)s"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"vector": str(vector), "image": image_id})
        return bool(cursor.fetchone()[0])
