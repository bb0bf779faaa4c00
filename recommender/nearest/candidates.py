"""What the nearest five are chosen from, and how it is found: along the graph, by cells, or all."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from django.db.backends.utils import CursorWrapper

from recommender.models import EmbeddingModel
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import SEARCH_CONFIG

# In a table of so few pictures all are compared one by one.
SMALL = 2000
# So are those that words let pass, if they are fewer than so many times the square root of the
# pictures.
EXACT_ROOTS = 17
VISITS = 20_000
EF_SEARCH = 64
# Enough pass, when so many times the cells did: ADR 11.
PASSING = 6


class Way(Enum):
    """How candidates are found."""

    ONE_BY_ONE = auto()
    GRAPH = auto()
    CELLS = auto()


CANDIDATES = {Way.ONE_BY_ONE: 100, Way.GRAPH: 50, Way.CELLS: 100}

BY_GRAPH = """
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
# The nearest cell first, until enough have passed; of those the sketches are compared. ``ANY``: the
# keys are looked up in their order, which takes half as long as one by one.
BY_CELLS = """
    SELECT id FROM (
        SELECT image.id, image.{sketch} <-> (SELECT sketch FROM query) AS distance
        FROM catalogue_productimage AS image WHERE image.id = ANY(ARRAY(
            SELECT placed.image_id FROM (
                SELECT id FROM recommender_cell WHERE model_id = %(model)s
                ORDER BY centre <-> (SELECT sketch FROM query)) AS cell
            CROSS JOIN LATERAL (SELECT placed.image_id FROM recommender_placement AS placed
                WHERE placed.cell_id = cell.id AND {conditions} OFFSET 0) AS placed
            LIMIT (SELECT greatest({passing} * count(*), %(candidates)s)
                FROM recommender_cell WHERE model_id = %(model)s AND retired IS NULL)))
        AND EXISTS (SELECT FROM usable) AND image.{sketch} IS NOT NULL OFFSET 0) AS near
    ORDER BY distance"""
SQL = {Way.ONE_BY_ONE: ONE_BY_ONE, Way.GRAPH: BY_GRAPH, Way.CELLS: BY_CELLS}
# In the same message as the statement, so that a page waits for one answer only. Along the graph
# the planner may neither scan nor sort, and through the cells only look up, whatever it thinks
# that costs.
PLAN = f"""SELECT set_config('hnsw.ef_search', '{EF_SEARCH}', true),
    set_config('hnsw.iterative_scan', 'relaxed_order', true),
    set_config('hnsw.max_scan_tuples', '{VISITS}', true), set_config('jit', 'off', true),
    set_config('random_page_cost', '1.1', true),
    set_config('max_parallel_workers_per_gather', '0', true),
    set_config('enable_seqscan', %(scan)s, true), set_config('enable_sort', %(sort)s, true),
    set_config('enable_hashjoin', %(scan)s, true), set_config('enable_mergejoin', %(scan)s, true);
"""
UNPLAN = """;
SELECT set_config(name, 'on', true) FROM unnest(ARRAY['enable_seqscan', 'enable_sort',
    'enable_hashjoin', 'enable_mergejoin']) AS name"""
# A small table is counted: the statistics of one that shrank are stale.
DECIDE = f"""SELECT (SELECT count(*) FROM (SELECT FROM catalogue_productimage
        LIMIT {SMALL}) AS few) < {SMALL},
    EXISTS (SELECT FROM recommender_cell WHERE model_id = %(model)s) AND NOT EXISTS (
        SELECT FROM recommender_placement WHERE cell_id IS NULL AND slot = %(slot)s),
    (SELECT reltuples FROM pg_class WHERE oid = 'catalogue_productimage'::regclass)"""  # noqa: S608 - a number of ours
ESTIMATE = """; EXPLAIN (FORMAT JSON) SELECT FROM catalogue_productimage AS image
    JOIN catalogue_product AS product ON product.id = image.product_id WHERE {conditions}"""


def decide(
    cursor: CursorWrapper, model: EmbeddingModel, parameters: dict[str, Any], filters: Filters
) -> Way:
    """Without filters the graph, with them the cells; if pictures or what passes are few, all."""
    statements, values = DECIDE, {**parameters, "model": model.pk, "slot": model.slot}
    if filters.words:
        conditions, wanted = conditions_of(Way.ONE_BY_ONE, model, filters)
        statements += ESTIMATE.format(conditions=conditions)
        values |= wanted
    cursor.execute(statements, values)
    small, divided, pictures = cursor.fetchone()
    if small or (filters and not divided):
        return Way.ONE_BY_ONE
    if filters.words:
        cursor.nextset()
        passing = cursor.fetchone()[0][0]["Plan"]["Plan Rows"]
        if passing < EXACT_ROOTS * max(pictures, 0) ** 0.5:
            return Way.ONE_BY_ONE
    return Way.CELLS if filters else Way.GRAPH


def sql_of(way: Way, model: EmbeddingModel, filters: Filters) -> tuple[str, dict[str, Any]]:
    """The candidates' SQL, nearest first, and its parameters."""
    conditions, values = conditions_of(way, model, filters)
    plan = {
        "scan": "on" if way is Way.ONE_BY_ONE else "off",
        "sort": "off" if way is Way.GRAPH else "on",
    }
    sql = SQL[way].format(conditions=conditions, sketch=model.sketch, passing=PASSING)
    return sql, {**values, **plan}


def conditions_of(way: Way, model: EmbeddingModel, filters: Filters) -> tuple[str, dict[str, Any]]:
    """What a neighbour must be: listed, in stock, another product, and what the filters say."""
    product, clauses = "product", ["product.listed AND product.stock > 0"]
    words = f"product.search @@ to_tsquery('{SEARCH_CONFIG}', %(words)s)"
    if way is Way.CELLS:
        product, clauses = "placed", ["placed.available", "placed.product_id <> %(excluded)s"]
        words = f"""EXISTS (SELECT FROM catalogue_product AS product
            WHERE product.id = placed.product_id AND {words})"""
    else:
        clauses += [f"image.{model.column} IS NOT NULL", "product.id <> %(excluded)s"]
    wanted = {
        "genders": ("gender = ANY(%(genders)s)", list(filters.genders)),
        "colours": ("base_colour = ANY(%(colours)s)", list(filters.colours)),
        "categories": ("category_id = ANY(%(categories)s)", list(filters.category_ids)),
        "price_from": ("price >= %(price_from)s", filters.price_from),
        "price_to": ("price <= %(price_to)s", filters.price_to),
        "not_colours": ("base_colour <> ALL(%(not_colours)s)", list(filters.not_colours)),
        "not_categories": (
            "category_id <> ALL(%(not_categories)s)",
            list(filters.not_category_ids),
        ),
    }
    values: dict[str, Any] = {}
    for name, (clause, value) in wanted.items():
        if value is not None and value != []:
            clauses.append(f"{product}.{clause}")
            values[name] = value
    if filters.words:
        clauses.append(words)
        values["words"] = filters.words
    return "\n      AND ".join(clauses), values
