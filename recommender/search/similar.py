"""Find similar products: THE nearest-five SQL.

Embeddings are L2-normalised, so the order by L2 distance is the order by cosine. The index finds
candidates by distance; their order weighs the difference of the garments' colours as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection, connections

from recommender.garments.categories import categories_of, garments_of
from recommender.models import EmbeddingModel, QueryPhoto
from recommender.search.candidates import (
    FIRST_EMBEDDED,
    SETTINGS,
    Strategy,
    candidate_sql,
    choose_strategy,
)
from recommender.search.replica import PRIMARY, read_with_fallback
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Category, Product
from shop.core.db import execute_with_settings

ROW_SIZE = 5
# Several images a product and copies are among them.
CANDIDATES = 200
# What a unit of ΔE and another base colour weigh, in spreads of the network, where L2²/2 weighs 1:
# chosen by eye and reported in docs/quality.
COLOUR_WEIGHT, BASE_COLOUR_WEIGHT = 0.04, 0.4
PHOTO_COLOUR_WEIGHT = 0.09
# Within so many spreads a photo is the catalogue's own picture: 98 % of 200 pictures that were
# saved anew as JPEG 85 are, and none of 341 photos of clothes.
SAME_IMAGE_DISTANCE = 0.8
FOR_ANYBODY = ("Unisex", "")

NEAREST = """
WITH query AS MATERIALIZED ({query}),
candidates AS MATERIALIZED ({candidates} LIMIT %(candidates)s),
scored AS (
    SELECT *, distance ^ 2 / 2
        + %(colour_weight)s * COALESCE(colour <-> (SELECT colour FROM query), 0)
        + CASE WHEN base_colour = %(base_colour)s THEN 0 ELSE %(base_colour_weight)s END AS score
    FROM candidates),
best_per_product AS (
    SELECT DISTINCT ON (product_id) * FROM scored WHERE product_id NOT IN (
        SELECT product_id FROM candidates WHERE duplicate_group IN ({own_groups}))
    ORDER BY product_id, score),
distinct_products AS (
    SELECT DISTINCT ON (duplicate_group) product_id, duplicate_group, score FROM best_per_product
    ORDER BY duplicate_group, score, product_id)
SELECT (SELECT count(*) FROM candidates), found.*
FROM (SELECT) AS always LEFT JOIN (
    SELECT * FROM distinct_products ORDER BY score, product_id LIMIT %(limit)s) AS found ON true
ORDER BY found.score, found.product_id
"""
OWN_GROUPS = """SELECT duplicate_group FROM {table}
        WHERE product_id = %(product)s AND duplicate_group IS NOT NULL"""
SAME_IMAGE = """
WITH query AS MATERIALIZED ({query}), nearest AS MATERIALIZED ({candidates} LIMIT 20)
SELECT product_id, duplicate_group, distance FROM nearest WHERE distance ^ 2 / 2 <= %(reach)s
ORDER BY distance, product_id LIMIT 1
"""
PHOTO_QUERY = "SELECT %(vector)s::halfvec AS embedding, %(colour)s::vector AS colour"


@dataclass(frozen=True)
class Neighbour:
    product_id: int
    duplicate_group: int
    score: float


@dataclass(frozen=True)
class Query:
    """Holds what is searched with: SQL of tables, its parameters, and the weights of the order."""

    sql: str
    values: dict[str, Any]
    own_groups: str = "SELECT 0"
    weights: dict[str, Any] = field(default_factory=dict)


def similar_to_product(
    product: Product, filters: Filters | None = None, *, count: int = ROW_SIZE
) -> list[Product]:
    """Return products like this one that a shopper would take instead, the most alike first.

    Of its category and for the same people; where those are too few, of its garment in the parent
    category, then of its garment anywhere. Never another garment, and fewer rather than padded.
    """
    chosen = filters or Filters()
    return _products(
        read_with_fallback(lambda server: _nearest_to_product(server, product, chosen, count))
    )


def similar_ids(product: Product, *, count: int = ROW_SIZE) -> list[int]:
    """Return the ids of ``similar_to_product``.

    A lagging replica may include products that are no longer listed.
    """
    found = read_with_fallback(
        lambda server: _nearest_to_product(server, product, Filters(), count)
    )
    return [neighbour.product_id for neighbour in found]


def _nearest_to_product(
    server: str, product: Product, filters: Filters, count: int
) -> list[Neighbour]:
    model = EmbeddingModel.objects.using(server).active()
    names_colour = filters.colours or filters.excluded_colours or not product.base_colour
    query = Query(
        FIRST_EMBEDDED.format(table=model.table, product="%(product)s"),
        {"product": product.pk, "excluded": product.pk},
        OWN_GROUPS.format(table=model.table),
        _weights(
            COLOUR_WEIGHT * model.spread,
            product.base_colour,
            0.0 if names_colour else BASE_COLOUR_WEIGHT * model.spread,
        ),
    )
    found: dict[int, Neighbour] = {}
    for scope in scopes(product, filters):
        for neighbour in _nearest(server, model, query, scope, count):
            found.setdefault(neighbour.duplicate_group, neighbour)
        if len(found) >= count:
            break
    return list(found.values())[:count]


def scopes(product: Product, filters: Filters) -> Iterator[Filters]:
    """Yield where to search, one after the other until there are enough.

    What the filters say of gender or category replaces what would be assumed from the product.
    """
    if not filters.genders:
        filters = replace(filters, genders=fitting_genders(product.gender))
    if filters.category_ids or filters.excluded_category_ids:
        yield filters
        return
    yield replace(filters, category_ids=(product.category_id,))
    same_garment = categories_of(garments_of(product.category))
    if not same_garment:
        return
    parent = product.category.path.rpartition("/")[0]
    beside = Category.objects.filter(pk__in=same_garment, path__startswith=f"{parent}/")
    if parent and (ids := tuple(beside.order_by("pk").values_list("pk", flat=True))):
        yield replace(filters, category_ids=ids)
    yield replace(filters, category_ids=same_garment)


def fitting_genders(gender: str) -> tuple[str, ...]:
    """Return the genders of products that suit somebody who looks at one for ``gender``."""
    return () if gender in FOR_ANYBODY else (gender, *FOR_ANYBODY)


def _weights(colour: float, base_colour: str = "", base_weight: float = 0.0) -> dict[str, Any]:
    return {
        "colour_weight": colour,
        "base_colour": base_colour,
        "base_colour_weight": base_weight,
    }


def similar_to_photo(
    photo: QueryPhoto,
    filters: Filters | None = None,
    *,
    categories: tuple[int, ...] = (),
    count: int = ROW_SIZE,
) -> list[Product]:
    """Return the products that look most like the photo by the model that has seen it, if any.

    ``categories`` limit the search to what the photo seems to show; the product whose own picture
    the photo is comes first whatever they are.
    """
    chosen = filters or Filters()
    return _products(
        read_with_fallback(
            lambda server: _nearest_to_photo(server, photo, chosen, categories, count)
        )
    )


def _nearest_to_photo(
    server: str, photo: QueryPhoto, filters: Filters, categories: tuple[int, ...], count: int
) -> list[Neighbour]:
    # Not the active one, which another may have become since the caller asked.
    filled = EmbeddingModel.objects.using(server).filling()
    model = filled.filter(pk=photo.embedding_model_id or 0).first()
    # A replica that has not heard of the switch may lack some of the model's rows.
    if model is None or (server != PRIMARY and model.state != EmbeddingModel.State.ACTIVE):
        return []
    # Sent along: a moment after it was written a replica cannot have it.
    values = {
        "vector": _text(photo, "embedding"),
        "colour": _text(photo, "colour"),
        "excluded": _source_product(photo),
    }
    query = Query(PHOTO_QUERY, values, weights=_weights(PHOTO_COLOUR_WEIGHT * model.spread))
    same = _find_same_image(server, model, photo, {**values}, filters)
    limited = replace(filters, category_ids=categories) if categories else filters
    found = _nearest(server, model, query, limited, count)
    groups = {each.duplicate_group for each in same}
    return [*same, *(each for each in found if each.duplicate_group not in groups)][:count]


def _find_same_image(
    server: str, model: EmbeddingModel, photo: QueryPhoto, values: dict[str, Any], filters: Filters
) -> list[Neighbour]:
    """Return the product whose own picture the whole photo is, if there is one."""
    values["vector"] = _text(photo, "whole_embedding")
    values["reach"] = SAME_IMAGE_DISTANCE * model.spread
    with connections[server].cursor() as cursor:
        strategy = choose_strategy(cursor, model.table, filters)
        candidates, more = candidate_sql(strategy, model.table, filters)
        sql = SAME_IMAGE.format(query=PHOTO_QUERY, candidates=candidates)
        execute_with_settings(cursor, sql, values | more, SETTINGS[strategy])
        return [Neighbour(*row) for row in cursor.fetchall()]


def _source_product(photo: QueryPhoto) -> int:
    """Return the product whose picture the photo was taken or cut from, or 0."""
    image = photo.image or (photo.parent.image if photo.parent else None)
    return image.product_id if image else 0


def _text(photo: QueryPhoto, name: str) -> Any:
    column: Any = QueryPhoto._meta.get_field(name)
    return column.get_prep_value(getattr(photo, name))


def _nearest(
    server: str, model: EmbeddingModel, query: Query, filters: Filters, count: int
) -> list[Neighbour]:
    """Return products by ascending score, ties by primary key, no two copies.

    Takes more candidates where copies leave too few products, and compares every row where the
    index has no more.
    """
    wanted = max(CANDIDATES, 4 * count)
    with connections[server].cursor() as cursor:
        strategy = choose_strategy(cursor, model.table, filters)
        while True:
            sql, more = nearest_sql(strategy, model, query, filters)
            values = {**query.values, **query.weights, **more}
            values |= {"candidates": wanted, "limit": count}
            execute_with_settings(cursor, sql, values, SETTINGS[strategy])
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
    strategy: Strategy, model: EmbeddingModel, query: Query, filters: Filters
) -> tuple[str, dict[str, Any]]:
    """Return the SQL of a search and the parameters of its filters."""
    candidates, values = candidate_sql(strategy, model.table, filters)
    sql = NEAREST.format(query=query.sql, candidates=candidates, own_groups=query.own_groups)
    return sql, values


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
