"""Lists whose cached total is out of date."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.http import QueryDict
from django.test import Client

from shop.catalogue.browsing.listing import Listing
from shop.catalogue.models import Product
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def _listing(query: str = "") -> Listing:
    return Listing(Product.objects.listed(), QueryDict(query), default_sort="newest")


@pytest.fixture(autouse=True)
def _three_a_page(settings) -> None:  # type: ignore[no-untyped-def]
    settings.CATALOGUE_PAGE_SIZE = 3


def test_a_product_that_is_delisted_disappears_at_once(client: Client) -> None:
    first, middle, last = (make_product(name=f"Linen {n}") for n in range(3))
    for url in ("/products/", "/search/?q=linen"):
        assert list(client.get(url).context["listing"].page) == [last, middle, first]
    Product.objects.filter(pk=middle.pk).update(listed=False)
    for url in ("/products/", "/search/?q=linen"):
        assert list(client.get(url).context["listing"].page) == [last, first]


def test_a_new_product_appears_at_once_in_a_list_that_was_empty(client: Client) -> None:
    assert list(_listing().page) == []
    product = make_product()
    page = _listing().page
    assert (list(page), page.paginator.count, page.paginator.num_pages) == ([product], 1, 1)
    assert client.get("/products/").status_code == 200


def test_a_total_is_never_less_than_what_is_shown() -> None:
    make_product()
    assert _listing().page.paginator.count == 1
    for _n in range(4):
        make_product()
    page = _listing("page=2").page
    assert (page.number, len(page), page.paginator.count) == (1, 3, 3)


@pytest.mark.parametrize(("left", "number"), [(5, 2), (4, 2), (3, 1), (1, 1), (0, 1)])
def test_the_last_page_with_products_replaces_an_emptied_one(
    client: Client, left: int, number: int
) -> None:
    products = [make_product(name=f"Linen {n}") for n in range(9)]
    for url in ("/products/?page=3", "/search/?q=linen&page=3"):
        assert client.get(url).context["listing"].page.number == 3
    Product.objects.filter(pk__in=[p.pk for p in products[left:]]).update(listed=False)
    expected = list(reversed(products[:left]))[(number - 1) * 3 :]
    for url in ("/products/?page=3", "/search/?q=linen&page=3"):
        response = client.get(url)
        page = response.context["listing"].page
        assert response.status_code == 200
        assert (page.number, page.paginator.count) == (number, left)
        assert list(page) == expected


def test_a_page_in_the_middle_shows_the_cached_total(client: Client) -> None:
    products = [make_product() for _n in range(9)]
    client.get("/products/")
    products[0].delete()
    page = client.get("/products/?page=2").context["listing"].page
    assert (len(page), page.paginator.count) == (3, 9)
    cache.clear()
    assert client.get("/products/?page=2").context["listing"].page.paginator.count == 8


def test_the_ranking_of_many_search_results_is_cached_for_a_minute(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.catalogue.browsing.listing.CACHE_RANKING_FROM", 1)

    def found(query: str) -> list[Product]:
        return list(client.get(f"/search/?q=linen{query}").context["listing"].page)

    first, second = make_product(name="Linen 1"), make_product(name="Linen 2")
    assert found("") == [second, first]
    third = make_product(name="Linen 3")
    assert found("") == [second, first]
    assert found("&sort=newest") == [third, second, first]
    Product.objects.filter(pk=second.pk).update(listed=False)
    assert found("") == [first]
    cache.clear()
    assert found("") == [third, first]


def test_the_ranking_of_few_search_results_is_not_cached(client: Client) -> None:
    first = make_product(name="Linen 1")
    assert list(client.get("/search/?q=linen").context["listing"].page) == [first]
    second = make_product(name="Linen 2")
    assert list(client.get("/search/?q=linen").context["listing"].page) == [second, first]
