"""Compute which products are bought together, and which are viewed in one visit.

A basket is the products of one order or of one anonymous visit. ``lift`` is how many times more
often two products share a basket than by chance. The score of two products is their lift, reduced
if they share few baskets.
"""

from __future__ import annotations

from collections import defaultdict

from django.db import connection, transaction

from recommender.garments.categories import discreet_ids
from recommender.models import Affinity
from shop.catalogue.models import Product
from shop.core.db import planner_settings
from shop.core.locks import AdvisoryLock, lock_until_commit

# Number of baskets that must hold both products. At least two, so that nobody's own basket is shown
# to others.
MIN_SUPPORT = 2
# A lift counts half if it is supported by this many baskets.
SHRINKAGE = 5
MAX_PER_PRODUCT = 20
# Larger baskets are ignored, because they are those of robots or resellers.
MAX_BASKET_SIZE = 100

BASKETS = {
    Affinity.Kind.BOUGHT: """
        SELECT DISTINCT line.order_id::text, variant.product_id
        FROM orders_orderline AS line
        JOIN orders_order AS placed ON placed.id = line.order_id
        JOIN catalogue_variant AS variant ON variant.id = line.variant_id
        WHERE placed.state NOT IN ('cancelled', 'refunded')""",
    Affinity.Kind.VIEWED: """
        SELECT DISTINCT visit, product_id FROM recommender_event
        WHERE kind = 'viewed' AND visit <> '' AND product_id IS NOT NULL""",
}
COMPUTE = """
WITH item (basket, product) AS MATERIALIZED ({baskets}),
basket AS MATERIALIZED (SELECT basket FROM item GROUP BY basket HAVING count(*) <= %(basket_size)s),
counted AS MATERIALIZED (
    SELECT product, count(*) AS n FROM item JOIN basket USING (basket) GROUP BY product),
pair AS (
    SELECT one.product, two.product AS other, count(*) AS support
    FROM basket JOIN item AS one USING (basket) JOIN item AS two USING (basket)
    WHERE one.product <> two.product GROUP BY 1, 2 HAVING count(*) >= %(support)s),
lifted AS (
    SELECT pair.*, support::float8 * (SELECT count(*) FROM basket) / (one.n * two.n) AS lift
    FROM pair JOIN counted AS one ON one.product = pair.product
    JOIN counted AS two ON two.product = pair.other),
ranked AS (
    SELECT *, lift * support / (support + %(shrinkage)s) AS score,
        row_number() OVER (PARTITION BY product
            ORDER BY lift * support / (support + %(shrinkage)s) DESC, other) AS position
    FROM lifted WHERE lift > 1)
INSERT INTO recommender_affinity (kind, product_id, other_id, score, support)
SELECT %(kind)s, product, other, score, support FROM ranked WHERE position <= %(per_product)s
"""

POPULARITY = """
INSERT INTO recommender_popularity (product_id, baskets)
SELECT product, count(*) FROM ({every}) AS item (basket, product) GROUP BY product
"""


@transaction.atomic
def compute_affinities() -> int:
    """Recompute affinities and popularity in one transaction; return the number of affinities.

    A lock lets concurrent runs take turns.
    """
    limits = {
        "support": MIN_SUPPORT,
        "shrinkage": SHRINKAGE,
        "per_product": MAX_PER_PRODUCT,
        "basket_size": MAX_BASKET_SIZE,
    }
    rows = 0
    with connection.cursor() as cursor:
        lock_until_commit(AdvisoryLock.CO_PURCHASES)
        cursor.execute("DELETE FROM recommender_affinity; DELETE FROM recommender_popularity")
        cursor.execute(POPULARITY.format(every=" UNION ALL ".join(BASKETS.values())))
        # If statistics are older than most visits, the planner expects few rows and would choose
        # nested loops: 180,000 views took more than ten minutes instead of seconds.
        with planner_settings(cursor, enable_nestloop=False):
            for kind, baskets in BASKETS.items():
                cursor.execute(COMPUTE.format(baskets=baskets), {**limits, "kind": kind.value})
                rows += cursor.rowcount
    return rows


def affinities(product: Product) -> dict[str, list[int]]:
    """Return the ids of related products in stock, by kind, strongest first.

    Leaves out products of discreet categories other than the product's own.
    """
    found = Affinity.objects.filter(product=product, other__listed=True, other__stock__gt=0)
    rows = list(
        found.order_by("-score", "other_id").values_list("kind", "other_id", "other__category")
    )
    discreet = set(discreet_ids()) - {product.category_id} if rows else ()
    ids = defaultdict(list)
    for kind, other, category in rows:
        if category not in discreet:
            ids[kind].append(other)
    return ids
