"""Build the SQL that selects candidates, by the HNSW index or by exact search."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.http import QueryDict

from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import SEARCH_CONFIG

# If more rows pass the filters, the HNSW index finds enough of them. In bench/nearest.py a search
# compares 5,000 rows in 13 ms by category and in 29 ms by colour. A price or words need a join with
# products: 4,200 rows then take 52 ms.
MAX_EXACT_ROWS = 20_000
SMALL_TABLE = 1000
MAX_WORDS_LENGTH = 200


class Strategy(Enum):
    """Lists the ways to find candidates: by the HNSW index, or by comparing all filtered rows."""

    HNSW = auto()
    EXACT = auto()


HNSW = """
    SELECT {columns} FROM {table} AS embedded {join}
    WHERE {conditions} ORDER BY embedded.embedding <-> (SELECT embedding FROM query)"""
# OFFSET 0 keeps the planner from using the index, and lets it sort distances instead of whole rows.
EXACT = """
    SELECT * FROM (SELECT {columns} FROM {table} AS embedded {join} WHERE {conditions} OFFSET 0)
        AS compared
    ORDER BY distance"""
COLUMNS = """embedded.product_id, embedded.duplicate_group, embedded.colour, embedded.base_colour,
        embedded.embedding <-> (SELECT embedding FROM query) AS distance"""
JOIN = "JOIN catalogue_product AS product ON product.id = embedded.product_id"
# Selects the row of a product's first embedded image; ``product`` is SQL for its id.
FIRST_EMBEDDED = """SELECT embedded.* FROM {table} AS embedded
    JOIN catalogue_productimage AS image ON image.id = embedded.image_id
    WHERE embedded.product_id = {product} AND embedded.embedding IS NOT NULL
    ORDER BY image.position, image.id LIMIT 1"""
# ``Strategy.HNSW`` disables scans and sorts, because the planner overestimates the index's cost.
SETTINGS: dict[Strategy, dict[str, object]] = {
    Strategy.HNSW: {
        "hnsw.ef_search": 100,
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": 20_000,
        "enable_seqscan": False,
        "enable_bitmapscan": False,
        "enable_sort": False,
        "enable_hashjoin": False,
        "enable_mergejoin": False,
        "jit": False,
    },
    Strategy.EXACT: {"jit": False},
}
# The rows are counted, because statistics and index of a table that shrank still include deleted
# rows.
IS_SMALL = f"""
SELECT count(*) < {SMALL_TABLE} FROM (SELECT FROM {{table}} LIMIT {SMALL_TABLE}) AS few"""  # noqa: S608 - a constant
ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT FROM {table} AS embedded {join} WHERE {conditions}"


def choose_strategy(cursor: CursorWrapper, table: str, filters: Filters) -> Strategy:
    """Return ``EXACT`` for a small table or if few rows are expected to pass, else ``HNSW``."""
    cursor.execute(IS_SMALL.format(table=table))
    if cursor.fetchone()[0]:
        return Strategy.EXACT
    if not filters:
        return Strategy.HNSW
    conditions, join, values = where_clause(filters)
    sql = ESTIMATE.format(table=table, join=join, conditions=conditions)
    cursor.execute(sql, {**values, "excluded": 0})
    expected = cursor.fetchone()[0][0]["Plan"]["Plan Rows"]
    return Strategy.EXACT if expected <= MAX_EXACT_ROWS else Strategy.HNSW


def candidate_sql(strategy: Strategy, table: str, filters: Filters) -> tuple[str, dict[str, Any]]:
    """Return the SQL that selects candidates, nearest first, and the parameters of its filters.

    The statement around it must define the table ``query (embedding)`` and the parameter
    ``excluded``, a product's id.
    """
    conditions, join, values = where_clause(filters)
    # Makes sure that no row is read if there is no embedding to search with.
    conditions = f"EXISTS (SELECT FROM query)\n        AND {conditions}"
    sql = HNSW if strategy is Strategy.HNSW else EXACT
    return sql.format(columns=COLUMNS, table=table, join=join, conditions=conditions), values


def parse_filters(query: QueryDict) -> Filters:
    """Return the filters and words of a query string, without those that searches ignore."""
    filters = replace(Filters.from_query(query), brands=(), sizes=(), in_stock=False)
    return filters.with_words(query.get("q", "")[:MAX_WORDS_LENGTH])


def where_clause(filters: Filters) -> tuple[str, str, dict[str, Any]]:
    """Return the conditions of the filters, the join that they need, and their parameters.

    Price and words are read from the product's row. Copies of them in the embedding's row would
    need updates, and each update inserts the vector into the index again.
    """
    clauses = [
        "embedded.embedding IS NOT NULL",
        "embedded.available",
        "embedded.product_id <> %(excluded)s",
    ]
    conditions = {
        "genders": ("embedded.gender = ANY(%(genders)s)", filters.genders),
        "colours": ("embedded.base_colour = ANY(%(colours)s)", filters.colours),
        "categories": ("embedded.category_id = ANY(%(categories)s)", filters.category_ids),
        "excluded_colours": (
            "embedded.base_colour <> ALL(%(excluded_colours)s)",
            filters.excluded_colours,
        ),
        "excluded_categories": (
            "embedded.category_id <> ALL(%(excluded_categories)s)",
            filters.excluded_category_ids,
        ),
        "price_from": ("product.price >= %(price_from)s", filters.price_from),
        "price_to": ("product.price <= %(price_to)s", filters.price_to),
        "words": (f"product.search @@ to_tsquery('{SEARCH_CONFIG}', %(words)s)", filters.words),
    }
    values: dict[str, Any] = {}
    for name, (clause, value) in conditions.items():
        if value not in (None, (), ""):
            clauses.append(clause)
            values[name] = list(value) if isinstance(value, tuple) else value
    join = JOIN if {"price_from", "price_to", "words"} & values.keys() else ""
    return "\n        AND ".join(clauses), join, values
