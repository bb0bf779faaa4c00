"""That the indexes hold all that a large shop's lists ask for.

What a test writes is never vacuumed; the planner is told that it was, as an index alone answers for
nothing but rows that all may see. What other tests wrote and took back is no longer counted.
"""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shop.catalogue.browsing.facets import count
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.browsing.listing import Listing
from shop.catalogue.models import Product
from tests.factories import make_category, make_product

pytestmark = pytest.mark.django_db
OTHER_WAYS = ("seqscan", "bitmapscan", "sort", "hashagg")
VACUUMED = """ANALYZE catalogue_product; UPDATE pg_class SET relallvisible = relpages
    WHERE oid = 'catalogue_product'::regclass"""


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(VACUUMED)
        for way in OTHER_WAYS:
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())


def test_the_counts_of_a_list_are_one_query_of_one_index() -> None:
    make_product(gender="Men", base_colour="Blue")
    filters = Filters(genders=("Men",))
    with CaptureQueriesContext(connection) as queries:
        assert count(Product.objects.listed(), filters).total == 1
    assert len(queries) == 1
    assert "Index Only Scan using product_facets" in _plan(queries[0]["sql"])


@pytest.mark.parametrize(
    ("sort", "scan"),
    [
        ("newest", "Index Only Scan using product_listed_newest"),
        ("price", "Index Only Scan using product_listed_price"),
        ("-price", "Index Only Scan Backward using product_listed_price"),
        ("name", "Index Only Scan using product_listed_name"),
    ],
)
def test_a_page_is_found_along_the_index_of_its_order(sort: str, scan: str) -> None:
    make_product()
    listing = Listing(Product.objects.listed(), QueryDict(f"sort={sort}"), default_sort="newest")
    with CaptureQueriesContext(connection) as queries:
        assert len(listing.page.object_list) == 1
    assert scan in _plan(queries[1]["sql"])


@pytest.mark.parametrize(
    ("sort", "scan"),
    [
        ("newest", "Index Scan using product_category_newest"),
        ("price", "Index Only Scan using product_category_price"),
    ],
)
def test_a_page_of_one_type_is_found_along_the_index_of_its_order(
    client: Client, sort: str, scan: str
) -> None:
    make_product()
    for _other in range(50):
        make_product(category=make_category("Footwear", "Shoes", "Heels"))
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/categories/apparel/topwear/shirts/?sort={sort}")
    assert scan in _plan(queries[3]["sql"])
