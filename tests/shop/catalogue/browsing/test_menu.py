from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shop.catalogue.browsing.menu import menu_sections
from tests.factories import make_category, make_product

pytestmark = pytest.mark.django_db


def _menu() -> dict[str, dict[str, list[str]]]:
    return {
        section.name: {top.name: [link.name for link in links] for top, links in section.columns}
        for section in menu_sections()
    }


def test_the_menu_lists_the_largest_categories_of_women_men_and_kids() -> None:
    skirts = make_category("Apparel", "Bottomwear", "Skirts")
    for _number in range(2):
        make_product(gender="Women", category=skirts)
    make_product(gender="Women")
    make_product(gender="Men")
    make_product(gender="Boys", category=make_category("Footwear", "Shoes", "Sandals"))
    make_product(gender="Men", category=make_category("Free Items", "Free Gifts"))
    make_product(gender="Men", category=skirts, listed=False)
    make_product(gender="Men", category=make_category("Apparel", "Topwear", "Tshirts"))
    assert _menu() == {
        "Women": {"Clothing": ["Skirts", "Shirts"]},
        "Men": {"Clothing": ["Shirts", "T-shirts"]},
        "Kids": {"Shoes": ["Sandals"]},
        "All products": {"Clothing": ["Skirts", "Shirts", "T-shirts"], "Shoes": ["Sandals"]},
    }


def test_a_menu_link_leads_to_the_category_filtered_by_gender(client: Client) -> None:
    make_product(gender="Girls", name="Girls Shirt")
    make_product(gender="Men", name="Mens Shirt")
    kids = next(section for section in menu_sections() if section.name == "Kids")
    assert kids.url == "/products/?gender=Girls&gender=Boys"
    link = kids.columns[0][1][0]
    assert link.url == "/categories/apparel/topwear/shirts/?gender=Girls&gender=Boys"
    for url in (kids.url, link.url):
        page = client.get(url).content.decode()
        assert ("Girls Shirt" in page, "Mens Shirt" in page) == (True, False)


def test_an_empty_shop_has_an_empty_menu() -> None:
    assert menu_sections() == []


def test_the_menu_is_cached_for_a_minute(client: Client) -> None:
    make_product(gender="Women")
    assert "?gender=Women" in client.get("/privacy/").content.decode()
    with CaptureQueriesContext(connection) as queries:
        assert "?gender=Women" in client.get("/privacy/").content.decode()
    assert [query for query in queries if "catalogue_product" in query["sql"]] == []
