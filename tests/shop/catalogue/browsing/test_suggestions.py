from __future__ import annotations

import pytest
from django.test import Client

from shop.catalogue.browsing.spelling import refresh_search_words
from shop.catalogue.browsing.suggestions import suggest
from shop.catalogue.default_synonyms import add_default_synonyms
from shop.catalogue.models import SearchSynonym
from tests.factories import make_category, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop() -> None:
    SearchSynonym.objects.all().delete()
    add_default_synonyms(SearchSynonym)
    tshirts = make_category("Apparel", "Topwear", "Tshirts")
    make_product(name="Striped Tee", category=tshirts, base_colour="Red")
    make_product(name="Suede Trainer", category=make_category("Footwear", "Shoes", "Sports Shoes"))
    refresh_search_words()


@pytest.mark.parametrize(
    ("text", "searches"),
    [
        ("t-s", ["t-shirt"]),
        ("snea", ["sneaker"]),
        ("red te", ["red tee"]),
        ("suede tr", ["suede trainer"]),
        ("red tra", []),
        ("bik", []),
        ("t", []),
        ("'&", []),
        ("", []),
    ],
)
def test_completions_find_products(text: str, searches: list[str]) -> None:
    assert suggest(text).searches == searches


def test_german_shoppers_get_german_terms(client: Client) -> None:
    content = client.get(
        "/search/suggestions/", {"q": "turns"}, headers={"Accept-Language": "de"}
    ).content.decode()
    assert ">turnschuh</a>" in content


def test_categories_and_products_are_suggested_too(client: Client) -> None:
    content = client.get("/search/suggestions/", {"q": "tee"}).content.decode()
    assert 'href="/categories/apparel/topwear/tshirts/"' in content
    assert "Striped Tee" in content


def test_nothing_is_suggested_for_a_text_that_finds_nothing(client: Client) -> None:
    assert client.get("/search/suggestions/", {"q": "zzzz"}).content.decode().strip() == ""


def test_a_category_without_products_is_not_suggested() -> None:
    make_category("Apparel", "Bottomwear", "Skirts")
    assert suggest("skirt").categories == []
