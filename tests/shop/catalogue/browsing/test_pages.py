from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from shop.catalogue.models import Product, StoredFile
from tests.factories import (
    embed,
    make_category,
    make_image,
    make_lookalike,
    make_product,
    make_stored_image,
    make_variant,
)
from tests.html import one_line

pytestmark = pytest.mark.django_db


def _names(response) -> list[str]:  # type: ignore[no-untyped-def]
    return [product.name for product in response.context["listing"].page]


def test_an_empty_shop_says_how_to_fill_it(client: Client) -> None:
    assert "import_catalogue" in client.get("/").content.decode()


def test_the_home_page_shows_new_arrivals(client: Client) -> None:
    make_stored_image(make_product(name="Blue Linen Shirt"))
    assert "Blue Linen Shirt" in client.get("/").content.decode()


def test_a_card_says_in_how_many_colours_there_is_a_product(client: Client) -> None:
    several = make_lookalike(1, 0, name="Shirt of Two")
    for colour, size in (("Navy", "S"), ("Navy", "M"), ("Red", "S")):
        make_variant(several, size=size, colour=colour)
    single = make_lookalike(1, 0.1, name="Shirt of One")
    make_variant(single, size="S", colour="Navy")
    for url in ("/", "/products/", "/search/?q=shirt", single.get_absolute_url()):
        page = client.get(url).content.decode()
        assert [words.strip() for words in re.findall(r"card-colours hint\">([^<]+)", page)] == [
            "2 colours"
        ], url


def test_a_category_shows_the_products_of_its_descendants_only(client: Client) -> None:
    make_product(name="Shirt")
    make_product(name="Heel", category=make_category("Footwear", "Shoes", "Heels"))
    make_product(name="Hidden", listed=False)
    assert _names(client.get("/categories/apparel/")) == ["Shirt"]


@pytest.mark.parametrize("url", ["/categories/none/", "/products/none/", "/pictures/none.webp"])
def test_unknown_products_and_categories_are_not_found(client: Client, url: str) -> None:
    assert client.get(url).status_code == 404


def test_an_unlisted_product_is_gone_and_similar_items_are_shown(
    client: Client,
) -> None:
    gone = make_lookalike(1, 0, name="Secret Shirt", listed=False)
    similar = [make_lookalike(1, step / 10) for step in range(1, 4)]
    response = client.get(gone.get_absolute_url())
    page = response.content.decode()
    assert response.status_code == 410
    assert [product.get_absolute_url() in page for product in similar] == [True] * 3
    assert "Secret Shirt" not in page


def test_attributes_are_shown_in_the_language_of_the_shopper(client: Client) -> None:
    values = {"base_colour": "Navy Blue", "season": "Fall", "usage": "Smart Casual"}
    product = make_product(**values)
    make_product(base_colour="Ultraviolet")
    page = one_line(client.get(product.get_absolute_url()).content.decode())
    assert all(f"<dd>{words}" in page for words in ("Navy Blue", "Autumn", "Smart casual"))
    german = {"headers": {"Accept-Language": "de"}}
    page = one_line(client.get(product.get_absolute_url(), **german).content.decode())
    assert all(f"<dd>{words}" in page for words in ("Marineblau", "Herbst", "Smart Casual"))
    page = one_line(client.get("/products/", **german).content.decode())
    assert all(colour in page for colour in ("Marineblau", "Ultraviolet"))
    assert "Navy Blue <" not in page


@pytest.mark.parametrize(("colour", "legend"), [("Navy", "Size and colour"), ("", "Size")])
def test_the_choices_of_a_product_are_named_after_what_differs(
    client: Client, colour: str, legend: str
) -> None:
    product = make_product()
    make_variant(product, size="M", colour=colour)
    page = one_line(client.get(product.get_absolute_url()).content.decode())
    assert f"<legend> {legend} </legend>" in page


def test_the_page_shows_the_price_of_an_only_variant(client: Client) -> None:
    product = make_product(price=Decimal(20))
    product.variants.update(price=Decimal(25))
    page = client.get(product.get_absolute_url()).content.decode()
    assert "€25.00" in page
    assert "€20.00" not in page


def test_a_sold_out_product_comes_before_similar_items_in_stock(client: Client) -> None:
    product = make_lookalike(1, 0, name="Blue Shirt", stock=0)
    make_lookalike(1, 0.1, name="Navy Shirt")
    page = client.get(product.get_absolute_url()).content.decode()
    places = [
        page.index(words) for words in ("<h1>", "Notify me", "Similar items in stock", "Navy")
    ]
    assert places == sorted(places)
    assert "Add to cart" not in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("gender=Women", ["B"]),
        ("gender=Women&gender=Men", ["B", "A"]),
        ("colour=Blue", ["A"]),
        ("price_from=15", ["B"]),
        ("price_to=15", ["A"]),
        ("type=apparel/topwear/shirts", ["B", "A"]),
        ("sort=price", ["A", "B"]),
        ("sort=-price", ["B", "A"]),
        ("sort=nonsense&gender=none&price_from=x&page=99", ["B", "A"]),
    ],
)
def test_filters_and_sorting(client: Client, query: str, expected: list[str]) -> None:
    make_product(name="A", gender="Men", base_colour="Blue", price=Decimal("10"))
    make_product(name="B", gender="Women", base_colour="Red", price=Decimal("20"))
    assert _names(client.get(f"/products/?{query}")) == expected


def test_a_facet_counts_without_its_own_choice(client: Client) -> None:
    make_product(gender="Men", base_colour="Blue")
    make_product(gender="Women", base_colour="Blue")
    make_product(gender="Women", base_colour="Red")
    facets = client.get("/products/?gender=Men").context["listing"].facets
    counts = {f.name: {o.value: o.products for o in f.options} for f in facets}
    assert counts["gender"] == {"Women": 2, "Men": 1}
    assert counts["colour"] == {"Blue": 1}


def test_a_listing_counts_by_all_of_its_filters_at_once(client: Client) -> None:
    heels = make_category("Footwear", "Shoes", "Heels")
    make_product(gender="Men", base_colour="Blue", price=Decimal("10"))
    make_product(gender="Women", base_colour="Blue", price=Decimal("10"))
    make_product(gender="Women", base_colour="Blue", price=Decimal("90"))
    make_product(gender="Women", base_colour="Red", category=heels)
    make_product(gender="", base_colour="", category=heels)
    make_product(gender="Women", base_colour="Blue", listed=False)
    query = "gender=Women&colour=Blue&type=apparel&price_to=50"
    listing = client.get(f"/products/?{query}").context["listing"]
    counts = {f.name: {o.value: o.products for o in f.options} for f in listing.facets}
    assert listing.page.paginator.count == 1
    assert counts["gender"] == {"Men": 1, "Women": 1}
    assert counts["colour"] == {"Blue": 1}
    assert counts["type"] == {"apparel": 1, "apparel/topwear/shirts": 1}


def test_a_filter_without_results_can_be_removed(client: Client) -> None:
    make_category("Footwear", "Shoes", "Heels")
    make_product(base_colour="Blue", gender="Men", price=Decimal(60))
    make_product(base_colour="Red", gender="Women", price=Decimal(10))
    query = "colour=Blue&gender=Men&type=footwear&price_to=20"
    listing = client.get(f"/products/?{query}&gender=none&type=none").context["listing"]
    assert listing.page.paginator.count == 0
    assert [chip.label for chip in listing.chips] == ["Men", "Blue", "Shoes", "Up to 20"]
    chosen = {f.name: [(o.value, o.products) for o in f.selected] for f in listing.facets[:3]}
    assert chosen == {"gender": [("Men", 0)], "colour": [("Blue", 0)], "type": [("footwear", 0)]}


def test_the_pages_of_a_listing_have_each_product_once_and_in_order(client: Client) -> None:
    for price in range(1, 31):
        make_product(name=f"At {price}", price=Decimal(price))
    names = [
        name
        for page in (1, 2)
        for name in _names(client.get(f"/products/?sort=-price&page={page}"))
    ]
    assert names == [f"At {price}" for price in range(30, 0, -1)]


def test_htmx_gets_only_the_listing(client: Client) -> None:
    make_product()
    content = client.get("/products/", headers={"HX-Request": "true"}).content.decode()
    assert one_line(content).startswith('<div id="listing"')


def test_pictures_are_cached_for_ever_and_created_once(
    client: Client, django_assert_num_queries: Any
) -> None:
    image = make_stored_image(make_product())
    url = reverse("catalogue:picture", args=[image.file.replace(".jpg", "-60.webp")])
    response = client.get(url)
    assert response["Content-Type"] == "image/webp"
    assert "immutable" in response["Cache-Control"]
    with django_assert_num_queries(1):
        assert client.get(url).content == response.content
    assert StoredFile.objects.filter(name__endswith=".webp").count() == 1
    again = client.get(url, headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304


def test_a_width_that_is_not_offered_is_not_found(client: Client) -> None:
    image = make_stored_image(make_product())
    url = reverse("catalogue:picture", args=[image.file.replace(".jpg", "-59.webp")])
    assert client.get(url).status_code == 404
    assert StoredFile.objects.count() == 1


def _product_with_neighbours() -> Product:
    product = make_product()
    embed(make_stored_image(product), 1)
    for step in range(1, 8):
        make_lookalike(1, step / 10)
    return product


def test_the_product_page_shows_five_lookalikes(client: Client) -> None:
    product = _product_with_neighbours()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(product.get_absolute_url())
    content = response.content.decode()
    assert 'data-block="similar"' in content
    assert content.count("data-product-id=") == 5
    # The similar items, and what completes the look.
    assert sum("<->" in query["sql"] for query in queries) == 2
    # The cards of all blocks are one.
    assert len(queries) == 16, "\n".join(query["sql"][:150] for query in queries)


def test_no_product_is_on_the_home_page_twice(client: Client) -> None:
    for number in range(30):
        make_image(make_product(category=make_category("Apparel", "Topwear", f"K{number % 7}")))
    content = client.get("/").content.decode()
    main = content.split("<main")[1].split("site-footer")[0]
    cards = re.findall(r'data-product-id="(\d+)"', main)
    assert len(cards) == len(set(cards)) == 15
    pictures = re.findall(r'<img\s+src="([^"]+)"', main)
    assert len(pictures) == len(set(pictures)) == 15 + 3 + 7
    assert main.index("New in") < main.index("Shop by category") < main.index("Best sellers")


def test_a_list_of_24_costs_eleven_queries(client: Client, django_assert_num_queries: Any) -> None:
    for _number in range(24):
        make_image(make_product())
    with django_assert_num_queries(11):
        assert client.get("/products/").content.decode().count("data-product-id") == 24


def test_the_queries_of_a_listing_do_not_grow_with_it(client: Client) -> None:
    counts = []
    for products in (2, 20):
        for _ in range(products):
            make_image(make_product())
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            client.get("/products/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_numbers_in_attributes_are_not_grouped(client: Client) -> None:
    product = make_product(pk=1234567)
    make_image(product, width=1680, height=2240)
    content = one_line(client.get("/products/").content.decode())
    assert 'data-product-id="1234567"' in content
    assert 'width="1680" height="2240"' in content
