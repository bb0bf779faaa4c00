from __future__ import annotations

import pytest
from django.test import Client

from shop.catalogue.browsing.facets import Facet
from tests.factories import make_product, make_variant

pytestmark = pytest.mark.django_db


def _listing(client: Client, query: str = "") -> tuple[list[str], dict[str, Facet]]:
    """Return the names of the products, and the facets by name."""
    listing = client.get(f"/products/?{query}").context["listing"]
    return sorted(product.name for product in listing.page), {f.name: f for f in listing.facets}


def _counts(facet: Facet) -> dict[str, int]:
    return {option.value: option.products for option in facet.options}


def test_brands_are_counted_without_their_own_choice(client: Client) -> None:
    make_product(name="A", brand="Acme", gender="Men")
    make_product(name="B", brand="Acme", gender="Women")
    make_product(name="C", brand="Bolt", gender="Men")
    make_product(name="D", brand="")
    names, facets = _listing(client, "brand=Acme&gender=Men")
    assert names == ["A"]
    assert _counts(facets["brand"]) == {"Acme": 1, "Bolt": 1}


def test_only_sizes_in_stock_are_offered(client: Client) -> None:
    for name, size, stock in (("A", "M", 3), ("B", "M", 0), ("C", "38", 1)):
        make_variant(make_product(name=name), size=size, stock=stock)
    assert _listing(client, "size=M")[0] == ["A"]
    assert _counts(_listing(client)[1]["size"]) == {"M": 1, "38": 1}


def test_sizes_are_sorted_from_small_to_large(client: Client) -> None:
    product = make_product()
    for size in ("9", "XL", "One size", "10", "S", "M"):
        make_variant(product, size=size)
    values = [option.value for option in _listing(client)[1]["size"].options]
    assert values == ["S", "M", "XL", "9", "10", "One size"]


def test_the_stock_filter_hides_sold_out_products(client: Client) -> None:
    make_product(name="There")
    make_product(name="Gone", stock=0)
    assert _listing(client, "in_stock=1")[0] == ["There"]
    assert _listing(client, "in_stock=nonsense")[0] == ["Gone", "There"]


def test_a_long_facet_is_searched_and_includes_chosen_options(client: Client) -> None:
    for number in range(25):
        make_product(brand=f"Brand {number:02}")
    facet = _listing(client)[1]["brand"]
    assert (len(facet.options), facet.more, facet.find) == (20, 5, "")
    facet = _listing(client, "brand_find=RAND+24&brand=Brand+03")[1]["brand"]
    assert list(_counts(facet)) == ["Brand 03", "Brand 24"]
    assert [option.value for option in facet.selected] == ["Brand 03"]


def test_a_chosen_brand_without_products_can_be_removed(client: Client) -> None:
    make_product(brand="Acme")
    listing = client.get("/products/?brand=None").context["listing"]
    assert [chip.label for chip in listing.chips] == ["None"]
    assert list(listing.page) == []


def test_a_facet_with_one_value_is_hidden(client: Client) -> None:
    make_product(brand="Acme", gender="Men", base_colour="Blue")
    content = client.get("/products/").content.decode()
    assert "<legend>" in content  # the price's
    for name in ("Gender", "Colour", "Type", "Brand", "Size"):
        assert f"<legend>{name}</legend>" not in content
    assert "<legend>Gender</legend>" in client.get("/products/?gender=Men").content.decode()


def test_all_filters_are_cleared_at_once(client: Client) -> None:
    make_product(brand="Acme")
    query = "brand=Acme&size=M&in_stock=1&brand_find=a&gender=Men&price_to=9&sort=price"
    assert client.get(f"/products/?{query}").context["listing"].clear_url == "?sort=price"
