"""Find the products most similar to a product or a photo, by one SQL statement.

Candidates are found by L2 distance, which orders normalised embeddings as cosine similarity does.
The final order also takes the difference between the garments' colours into account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection, connections

from recommender.garments.categories import categories_like, discreet_ids
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
# Number of candidates: more than are shown, because several may be images of one product or copies
# of one image.
CANDIDATES = 200
# What a unit of ΔE and a different base colour add to a score beside L2²/2, in spreads of the
# network. The values were chosen by inspecting results, and docs/quality reports on them.
COLOUR_WEIGHT, BASE_COLOUR_WEIGHT = 0.04, 0.4
PHOTO_COLOUR_WEIGHT = 0.12
# A photo whose distance from an image is at most this many spreads counts as a copy: this is true
# for 98 % of 200 images saved again as JPEG of quality 85, and for none of 341 photos of clothes.
SAME_IMAGE_DISTANCE = 0.8
ANY_GENDER = ("Unisex", "")

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
SELECT product_id, duplicate_group, distance FROM nearest WHERE distance ^ 2 / 2 <= %(max_distance)s
ORDER BY distance, product_id LIMIT 1
"""
PHOTO_QUERY = "SELECT %(vector)s::halfvec AS embedding, %(colour)s::vector AS colour"


@dataclass(frozen=True)
class Neighbour:
    """Holds a product that was found, its duplicate group and its score, where lower is better."""

    product_id: int
    duplicate_group: int
    score: float


@dataclass(frozen=True)
class Query:
    """Holds the SQL that selects the query embedding, its parameters and the weights of scores."""

    sql: str
    values: dict[str, Any]
    own_groups: str = "SELECT 0"
    weights: dict[str, Any] = field(default_factory=dict)


def similar_to_product(
    product: Product, filters: Filters | None = None, *, count: int = ROW_SIZE
) -> list[Product]:
    """Return alternatives to the product, the most similar first.

    Alternatives have the same category and fit the same gender. If they are too few, the search
    widens to the same garment in the parent category, then in any category. The list is never
    padded with other garments.
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
    found: list[Neighbour] = []
    for scope in scopes(product, filters):
        found = _without_repetitions([*found, *_nearest(server, model, query, scope, count)])
        if len(found) >= count:
            break
    return found[:count]


def _without_repetitions(neighbours: list[Neighbour]) -> list[Neighbour]:
    """Return the first neighbour of each product and of each duplicate group.

    Two searches may find one product by different images, which are in different groups.
    """
    kept: list[Neighbour] = []
    products, groups = set[int](), set[int]()
    for each in neighbours:
        if each.product_id not in products and each.duplicate_group not in groups:
            kept.append(each)
            products.add(each.product_id)
            groups.add(each.duplicate_group)
    return kept


def scopes(product: Product, filters: Filters) -> Iterator[Filters]:
    """Yield the filters to search with in turn, from the product's category to wider ones.

    Genders and categories in ``filters`` replace those of the product. Discreet categories other
    than the product's are searched only if they are among those in ``filters``.
    """
    if not filters.genders:
        filters = replace(filters, genders=fitting_genders(product.gender))
    if filters.category_ids:
        yield filters
        return
    if excluded := filters.excluded_category_ids:
        discreet = (pk for pk in discreet_ids() if pk != product.category_id)
        yield replace(filters, excluded_category_ids=(*excluded, *discreet))
        return
    yield replace(filters, category_ids=(product.category_id,))
    same_garment = categories_like(product.category)
    if not same_garment:
        return
    parent = product.category.path.rpartition("/")[0]
    siblings = Category.objects.filter(pk__in=same_garment, path__startswith=f"{parent}/")
    if parent and (ids := tuple(siblings.order_by("pk").values_list("pk", flat=True))):
        yield replace(filters, category_ids=ids)
    yield replace(filters, category_ids=same_garment)


def fitting_genders(gender: str) -> tuple[str, ...]:
    """Return the genders of products that suit a wearer of ``gender``; empty for any gender."""
    return () if gender in ANY_GENDER else (gender, *ANY_GENDER)


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
    """Return the products most similar to the photo, or none until it is embedded.

    ``categories`` limit the search to the garments detected. If the photo is a copy of an image,
    the product of that image comes first, whatever its category.
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
    # The search uses the model that embedded the photo, since another one may have become active
    # meanwhile.
    filled = EmbeddingModel.objects.using(server).in_use()
    model = filled.filter(pk=photo.embedding_model_id or 0).first()
    # A replica that has not replayed the switch of models may lack rows of the new one.
    if model is None or (server != PRIMARY and model.state != EmbeddingModel.State.ACTIVE):
        return []
    # Sent as parameters, because a replica may not have the photo yet.
    values = {
        "vector": _vector_text(photo, "embedding"),
        "colour": _vector_text(photo, "colour"),
        "excluded": _source_product(photo),
    }
    query = Query(PHOTO_QUERY, values, weights=_weights(PHOTO_COLOUR_WEIGHT * model.spread))
    same = _find_same_image(server, model, photo, {**values}, filters)
    limited = replace(filters, category_ids=categories) if categories else filters
    found = _nearest(server, model, query, limited, count + len(same))
    return _without_repetitions([*same, *found])[:count]


def _find_same_image(
    server: str, model: EmbeddingModel, photo: QueryPhoto, values: dict[str, Any], filters: Filters
) -> list[Neighbour]:
    """Return the product with an image that the whole photo is a copy of, if there is one."""
    values["vector"] = _vector_text(photo, "whole_embedding")
    values["max_distance"] = SAME_IMAGE_DISTANCE * model.spread
    with connections[server].cursor() as cursor:
        strategy = choose_strategy(cursor, model.table, filters)
        candidates, more = candidate_sql(strategy, model.table, filters)
        sql = SAME_IMAGE.format(query=PHOTO_QUERY, candidates=candidates)
        execute_with_settings(cursor, sql, values | more, SETTINGS[strategy])
        return [Neighbour(*row) for row in cursor.fetchall()]


def _source_product(photo: QueryPhoto) -> int:
    """Return the id of the product from whose image the photo was made or cropped, or 0."""
    image = photo.image or (photo.parent.image if photo.parent else None)
    return image.product_id if image else 0


def _vector_text(photo: QueryPhoto, name: str) -> Any:
    column: Any = QueryPhoto._meta.get_field(name)
    return column.get_prep_value(getattr(photo, name))


def _nearest(
    server: str, model: EmbeddingModel, query: Query, filters: Filters, count: int
) -> list[Neighbour]:
    """Return products by ascending score, then primary key, without duplicates.

    If duplicates leave too few products, more candidates are selected; if the index has no more,
    the search is exact.
    """
    candidate_count = max(CANDIDATES, 4 * count)
    with connections[server].cursor() as cursor:
        strategy = choose_strategy(cursor, model.table, filters)
        while True:
            sql, more = nearest_sql(strategy, model, query, filters)
            values = {**query.values, **query.weights, **more}
            values |= {"candidates": candidate_count, "limit": count}
            execute_with_settings(cursor, sql, values, SETTINGS[strategy])
            rows = cursor.fetchall()
            # The first column counts the candidates; the others are null if no product was found.
            exhausted = rows[0][0] < candidate_count
            found = [Neighbour(*row[1:]) for row in rows if row[1] is not None]
            if len(found) == count or (exhausted and strategy is Strategy.EXACT):
                return found
            if exhausted:
                strategy = Strategy.EXACT
            else:
                candidate_count *= 4


def nearest_sql(
    strategy: Strategy, model: EmbeddingModel, query: Query, filters: Filters
) -> tuple[str, dict[str, Any]]:
    """Return the SQL of a search and the parameters of its filters."""
    candidates, values = candidate_sql(strategy, model.table, filters)
    sql = NEAREST.format(query=query.sql, candidates=candidates, own_groups=query.own_groups)
    return sql, values


def _products(neighbours: list[Neighbour]) -> list[Product]:
    """Return the products in stock with their card data, in the neighbours' order; two queries."""
    found = (
        Product.objects.listed()
        .in_stock()
        .with_card_data()
        .in_bulk([n.product_id for n in neighbours])
    )
    return [found[n.product_id] for n in neighbours if n.product_id in found]


def retrieves_itself(model: EmbeddingModel, image_id: int, vector: list[float]) -> bool:
    """Return whether the image is among the five nearest to the vector, ignoring its copies."""
    sql = f"""SELECT count(*) < {ROW_SIZE} FROM {model.table} AS other, {model.table} AS own
        WHERE own.image_id = %(image)s AND other.duplicate_group <> own.duplicate_group
        AND other.embedding <-> %(vector)s::halfvec <= own.embedding <-> %(vector)s::halfvec"""  # noqa: S608 - names of our tables
    with connection.cursor() as cursor:
        cursor.execute(sql, {"vector": str(vector), "image": image_id})
        return bool(cursor.fetchone()[0])
