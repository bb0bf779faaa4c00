from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import Client

from recommender.photo_search.refinements import colour_refinements
from shop.catalogue.browsing.filters import Filters
from tests.factories import make_lookalike, make_photo, make_product

pytestmark = pytest.mark.django_db


def _links(query: str) -> list[tuple[str, str, bool]]:
    given = QueryDict(query)
    found = colour_refinements(Filters.from_query(given), given)
    return [(str(each.label), each.address, each.active) for each in found]


def test_the_most_common_colours_are_offered() -> None:
    for colour in ("Red", "Blue", "Blue", "Multi"):
        make_product(base_colour=colour)
    make_product(base_colour="Green", stock=0)
    assert _links("garment=Shirts&count=20") == [
        ("Blue", "?garment=Shirts&colour=Blue", False),
        ("Red", "?garment=Shirts&colour=Red", False),
    ]


def test_the_link_of_a_chosen_colour_removes_it() -> None:
    make_product(base_colour="Red")
    assert _links("colour=Red") == [("Red", "?", True)]
    assert _links("colour=Teal") == [("Teal", "?", True), ("Red", "?colour=Red", False)]


def test_a_colour_link_shows_products_of_that_colour_only(client: Client) -> None:
    make_lookalike(1, 0, base_colour="Red")
    blue = make_lookalike(0.9, 0.1, base_colour="Blue")
    url = f"/photo-search/{make_photo(1, 0).pk}/"
    assert "?colour=Blue" in client.get(url).content.decode()
    page = client.get(url, {"colour": "Blue"})
    assert [product.pk for product in page.context["products"]] == [blue.pk]
