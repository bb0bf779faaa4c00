from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recommender.recommendations.refine import refinements
from recommender.tracking.events import BLOCKS
from shop.catalogue.browsing.spelling import refresh_search_words
from shop.catalogue.models import Product
from tests.factories import embed, make_category, make_image, make_photo, make_product
from tests.html import one_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def shirt() -> Product:
    """Make a red shirt for women at 50, and five products that differ from it in one property."""
    shirts = make_category("Apparel", "Topwear", "Shirts")
    common = {"category": shirts, "gender": "Women", "base_colour": "Red", "price": Decimal(50)}
    variations: dict[str, dict[str, object]] = {
        "Shirt": {},
        "Cheap": {"price": Decimal(20)},
        "Blue": {"base_colour": "Blue"},
        "Mens": {"gender": "Men"},
        "Skirt": {"category": make_category("Apparel", "Bottomwear", "Skirts")},
        "Striped": {"price": Decimal(60), "name": "Striped linen"},
    }
    for number, (name, different) in enumerate(variations.items()):
        product = make_product(**{"name": name, **common, **different})  # type: ignore[arg-type]
        embed(make_image(product), 1, number / 5)
    return Product.objects.get(name="Shirt")


def test_the_page_is_counted_under_the_name_of_a_row(client: Client, shirt: Product) -> None:
    page = client.get(f"{shirt.get_absolute_url()}similar/").content.decode()
    blocks = re.findall('data-block="([^"]+)"', page)
    assert blocks == ["more-like"]
    assert set(blocks) <= set(BLOCKS)


def _names(client: Client, shirt: Product, query: str) -> list[str]:
    response = client.get(f"{shirt.get_absolute_url()}similar/{query}")
    assert response.status_code == 200
    return [product.name for product in response.context["products"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Cheap", "Blue", "Striped linen"]),
        ("?price_to=49.99", ["Cheap"]),
        ("?not_colour=Red", ["Blue"]),
        ("?colour=Red", ["Cheap", "Striped linen"]),
        ("?gender=Men", ["Mens"]),
        ("?not_type=apparel/topwear/shirts", ["Skirt"]),
        ("?not_type=apparel/topwear", ["Skirt"]),
        ("?type=apparel/topwear/shirts", ["Cheap", "Blue", "Striped linen"]),
        ("?q=striped", ["Striped linen"]),
        ("?q=stripd", ["Striped linen"]),
        ("?q=striped+linen&colour=Red", ["Striped linen"]),
        ("?q=%27%29%3B+--&gender=Men", ["Mens"]),
        ("?q=nothing", []),
    ],
)
def test_each_filter_keeps_the_products_that_match(
    client: Client, shirt: Product, query: str, names: list[str]
) -> None:
    refresh_search_words()
    assert _names(client, shirt, query) == names


def test_every_refinement_of_a_product_leads_where_its_label_says(
    client: Client, shirt: Product
) -> None:
    page = client.get(shirt.get_absolute_url())
    found = {each.label: each for each in refinements(shirt, QueryDict())}
    assert list(found) == [
        *("Cheaper", "In another colour", "In the same colour", "For Men"),
        *("Other category", "Same category"),
    ]
    for each in found.values():
        assert f'href="{each.address.replace("&", "&amp;")}"' in page.content.decode()
    path = found["For Men"].address.removeprefix(f"{shirt.get_absolute_url()}similar/")
    assert _names(client, shirt, path) == ["Mens"]


def test_following_an_active_refinement_removes_its_filter(shirt: Product) -> None:
    active = refinements(shirt, QueryDict("not_colour=Red&q=linen"))[1]
    assert active.active
    assert active.address == f"{shirt.get_absolute_url()}similar/?q=linen"


def test_a_refinement_replaces_its_opposite(shirt: Product) -> None:
    same = refinements(shirt, QueryDict("not_colour=Red"))[2]
    assert same.address == f"{shirt.get_absolute_url()}similar/?colour=Red"


def test_a_product_without_gender_colour_and_price_has_few_refinements() -> None:
    product = make_product(gender="", base_colour="", price=Decimal("0.01"))
    assert [each.label for each in refinements(product, QueryDict())] == [
        *("Other category", "Same category"),
    ]


def test_an_empty_result_says_so_and_links_to_all_similar_items(
    client: Client, shirt: Product
) -> None:
    page = client.get(f"{shirt.get_absolute_url()}similar/?gender=Boys").content.decode()
    assert "No similar items" in page
    assert f'href="{shirt.get_absolute_url()}similar/"' in page


def test_a_refined_search_is_one_statement_with_vectors(client: Client, shirt: Product) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{shirt.get_absolute_url()}similar/?not_colour=Red&q=blue")
    assert len([q for q in queries.captured_queries if "<->" in q["sql"]]) == 1


@pytest.mark.parametrize(
    ("headers", "start"),
    [
        ({"HX-Request": "true"}, '<div id="results"'),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, "<!doctype html>"),
        ({}, "<!doctype html>"),
    ],
)
def test_going_back_gets_the_whole_page(
    client: Client, shirt: Product, headers: dict[str, str], start: str
) -> None:
    page = client.get(f"{shirt.get_absolute_url()}similar/", headers=headers).content.decode()
    assert one_line(page).lower().startswith(start)


def test_an_unlisted_product_has_no_page(client: Client, shirt: Product) -> None:
    Product.objects.filter(pk=shirt.pk).update(listed=False)
    assert client.get(f"{shirt.get_absolute_url()}similar/").status_code == 404


def test_added_words_put_their_products_first(client: Client, shirt: Product) -> None:
    photo = make_photo(1, 0)
    response = client.get(f"{photo.get_absolute_url()}?q=linen")
    found = [product.name for product in response.context["products"]]
    assert found[0] == "Striped linen"
    assert len(found) > 1  # products without the word follow
