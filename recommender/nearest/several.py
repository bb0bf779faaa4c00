"""Several vectors at once, for ``recommender.taste`` and ``recommender.look``.

One statement each, with the planner's settings in the same message, so that a page waits for one
answer only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections

from recommender.models import EmbeddingModel
from recommender.replica import searched

# So few pictures are compared one by one, and not through the index, which may miss some of them
# where many rows were deleted. Counted: the statistics of a table that shrank are stale.
SMALL = 500
PLAN = f"""SELECT set_config('hnsw.ef_search', '40', true),
    set_config('hnsw.iterative_scan', 'strict_order', true),
    set_config('enable_indexscan', CASE WHEN small THEN 'off' ELSE 'on' END, true),
    set_config('enable_seqscan', CASE WHEN small THEN 'on' ELSE 'off' END, true),
    set_config('enable_sort', CASE WHEN small THEN 'on' ELSE 'off' END, true)
FROM (SELECT count(*) <= {SMALL} AS small
    FROM (SELECT 1 FROM catalogue_productimage LIMIT {SMALL} + 1) AS few) AS size;
"""  # noqa: S608 - a number of ours
UNPLAN = """;
SELECT set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true),
    set_config('enable_indexscan', 'on', true), set_config('enable_bitmapscan', 'on', true)"""
# False once for the whole half of the statement that belongs to the column not searched.
ACTIVE = "(SELECT slot FROM recommender_embeddingmodel WHERE state = 'active') = '{slot}'"
FIRST_VECTOR = """(SELECT {column} AS vector FROM catalogue_productimage
    WHERE product_id = {of}.id AND {column} IS NOT NULL ORDER BY position, id LIMIT 1)"""
HISTORY = """
WITH {weighed},
seed AS MATERIALIZED (
    SELECT product.id, weighed.reason, weighed.weight, picture.vector AS sketch
    FROM weighed JOIN catalogue_product AS product USING (id)
    CROSS JOIN LATERAL {first_sketch} AS picture
    WHERE product.listed ORDER BY weighed.weight DESC, product.id DESC LIMIT %(seeds)s)
SELECT seed.id, seed.reason, seed.weight, near.product_id, halfvec_send(near.sketch),
    COALESCE(popular.baskets, 0)
FROM seed CROSS JOIN LATERAL (
    SELECT image.product_id, image.{sketch} AS sketch
    FROM catalogue_productimage AS image JOIN catalogue_product AS product
        ON product.id = image.product_id
    WHERE image.{column} IS NOT NULL AND product.listed AND product.stock > 0
        AND product.id <> ALL (ARRAY(SELECT id FROM history))
    ORDER BY image.{sketch} <-> seed.sketch
    LIMIT %(each)s) AS near
LEFT JOIN recommender_popularity AS popular ON popular.product_id = near.product_id
WHERE {active}
UNION ALL SELECT id, reason, weight, id, halfvec_send(sketch), 0 FROM seed WHERE {active}
"""


@dataclass(frozen=True)
class Near:
    """A product near one of a visitor's, or that one itself.

    ``sketch``: the first 256 values as PostgreSQL sends them; ``baskets``: its popularity.
    """

    seed: int
    reason: str
    weight: float
    product_id: int
    sketch: bytes
    baskets: int


def near_history(weighed: str, values: dict[str, Any]) -> list[Near]:
    """A visitor's products, the heaviest ``seeds`` of them, and the ``each`` nearest of each.

    ``weighed`` defines the SQL tables ``history (id, …)``, none of which is found, and
    ``weighed (id, reason, weight)``; ``recommender.taste`` has it.
    """
    return [Near(*row) for row in _both(PLAN, HISTORY, values, weighed=weighed)]


# Along the index, which stops at the first few that fit, not by sorting all that fit.
IN_ORDER = """SELECT set_config('enable_seqscan', 'off', true),
    set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true);
"""
GOES_WITH = """
WITH {fitting},
source AS MATERIALIZED (
    SELECT product.id, product.season, picture.vector,
        CASE WHEN product.gender IN ('Unisex', '') THEN %(genders)s
            ELSE ARRAY[product.gender, 'Unisex', ''] END AS genders,
        CASE product.usage WHEN '' THEN ARRAY['Casual', ''] ELSE ARRAY[product.usage, ''] END
            AS usages
    FROM catalogue_product AS product LEFT JOIN LATERAL {first_vector} AS picture ON true
    WHERE product.id = ANY(%(sources)s))
SELECT source.id, wanted.role, pick.id, pick.gender, pick.distance
FROM source CROSS JOIN unnest(%(wanted)s::text[]) AS wanted (role) CROSS JOIN LATERAL (
    SELECT pool.id, pool.gender, picture.vector <-> source.vector AS distance
    FROM (
        SELECT newest.* FROM fitting CROSS JOIN unnest(source.genders) AS own (gender)
        CROSS JOIN unnest(source.usages) AS apt (usage) CROSS JOIN LATERAL (
            SELECT product.id, product.gender, product.created FROM catalogue_product AS product
            WHERE product.category_id = fitting.id AND product.gender = own.gender
                AND product.usage = apt.usage AND product.listed AND product.stock > 0
                AND product.id <> ALL(%(excluded)s)
                AND (product.season = source.season OR '' IN (product.season, source.season)
                    OR fitting.role <> ALL(%(seasonal)s))
                AND lower(product.base_colour) = ANY(%(colours)s)
            ORDER BY product.created DESC, product.id DESC LIMIT %(per_category)s) AS newest
        WHERE fitting.role = wanted.role
        ORDER BY newest.created DESC, newest.id DESC LIMIT %(pool)s) AS pool
    CROSS JOIN LATERAL {pool_vector} AS picture
    ORDER BY distance, pool.id DESC LIMIT %(each)s) AS pick
WHERE {active}
"""


@dataclass(frozen=True)
class Complement:
    source: int
    role: str
    product_id: int
    gender: str
    distance: float | None


def goes_with(fitting: str, values: dict[str, Any]) -> list[Complement]:
    """What fits the ``sources`` in each ``wanted`` role, nearest first; newer first if equal.

    ``fitting`` defines the SQL table ``fitting (id, role)`` of categories; ``recommender.look`` has
    it and the rest of the ``values``. A role's candidates are the newest that fit, so that the cost
    does not grow with the shop.
    """
    found = [Complement(*row) for row in _both(IN_ORDER, GOES_WITH, values, fitting=fitting)]
    return sorted(found, key=lambda one: (one.distance is None, one.distance, -one.product_id))


def _both(plan: str, sql: str, values: dict[str, Any], **tables: str) -> list[tuple[Any, ...]]:
    """Run the statement on the active model's column: one message, one answer."""
    halves = []
    for slot in EmbeddingModel.Slot.values:
        column = f"embedding_{slot}"
        parts = {
            "column": column,
            "sketch": f"sketch_{slot}",
            "active": ACTIVE.format(slot=slot),
            "first_sketch": FIRST_VECTOR.format(column=f"sketch_{slot}", of="product"),
            "first_vector": FIRST_VECTOR.format(column=column, of="product"),
            "pool_vector": FIRST_VECTOR.format(column=column, of="pool"),
        }
        halves.append(f"({sql.format(**parts, **tables)})")
    statements = plan + "\nUNION ALL\n".join(halves) + UNPLAN

    def search(server: str) -> list[tuple[Any, ...]]:
        with connections[server].cursor() as cursor:
            cursor.execute(statements, values)
            cursor.nextset()
            return list(cursor.fetchall())

    return searched(search)
