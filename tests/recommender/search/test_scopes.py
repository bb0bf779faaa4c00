from __future__ import annotations

import pytest
from django.test import Client

from recommender.models import CategoryGarment, EmbeddingModel
from recommender.search.similar import similar_to_product
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Category
from tests.factories import embed, make_category, make_image, make_lookalike, make_product

pytestmark = pytest.mark.django_db


def _holds(category: Category, garment: str) -> None:
    CategoryGarment.objects.create(category=category, garment=garment, share=1)


def test_similar_items_are_of_the_same_category_and_gender() -> None:
    dress = make_lookalike(1, category=make_category("Apparel", "Dresses"), gender="Women")
    make_lookalike(1, 0.01, category=make_category("Accessories", "Bags"), gender="Women")
    make_lookalike(1, 0.02, category=dress.category, gender="Girls")
    unisex = make_lookalike(1, 0.03, category=dress.category, gender="Unisex")
    unknown = make_lookalike(1, 0.04, category=dress.category)
    women = make_lookalike(1, 0.05, category=dress.category, gender="Women")
    assert similar_to_product(dress) == [unisex, unknown, women]
    assert len(similar_to_product(unisex)) == 4


def test_too_few_similar_items_are_extended_by_the_same_garment_only() -> None:
    boots = make_lookalike(1, category=make_category("Footwear", "Boots"))
    elsewhere = make_lookalike(1, 0.01, category=make_category("Outdoor", "Hiking"))
    sibling = make_lookalike(1, 0.5, category=make_category("Footwear", "Sneakers"))
    make_lookalike(1, 0.02, category=make_category("Footwear", "Laces"))
    for category in (boots.category, elsewhere.category, sibling.category):
        _holds(category, "Shoes")
    assert similar_to_product(boots) == [sibling, elsewhere]


def test_the_base_colour_decides_between_similar_products() -> None:
    shirt = make_lookalike(1, base_colour="Red")
    near_but_blue, red = make_product(base_colour="Blue"), make_product(base_colour="Red")
    embed(make_image(near_but_blue), 1, 0.05)
    embed(make_image(red), 1, 0.1)
    assert similar_to_product(shirt) == [red, near_but_blue]


def test_the_measured_colour_counts_if_the_base_colour_is_the_same() -> None:
    shirt = make_lookalike(1)
    other, same = make_product(), make_product()
    embed(make_image(other), 1, 0.02, colour=[25, 60, 40])
    embed(make_image(same), 1, 0.03)
    assert similar_to_product(shirt) == [same, other]


def test_colours_weigh_in_units_of_the_networks_spread() -> None:
    EmbeddingModel.objects.update(spread=0.00001)
    shirt = make_lookalike(1, base_colour="Red")
    near_but_blue, red = make_product(base_colour="Blue"), make_product(base_colour="Red")
    embed(make_image(near_but_blue), 1, 0.05)
    embed(make_image(red), 1, 0.1)
    assert similar_to_product(shirt) == [near_but_blue, red]


def test_filters_replace_the_gender_and_category_of_the_product() -> None:
    dress = make_lookalike(1, category=make_category("Apparel", "Dresses"), gender="Women")
    bag = make_lookalike(1, 0.01, category=make_category("Accessories", "Bags"), gender="Women")
    girls = make_lookalike(1, 0.02, category=dress.category, gender="Girls")
    other_category = Filters(excluded_category_ids=(dress.category_id,))
    assert similar_to_product(dress, other_category) == [bag]
    assert similar_to_product(dress, Filters(genders=("Girls",))) == [girls]


def test_until_a_product_has_an_embedding_its_page_shows_the_newest(client: Client) -> None:
    older, newer = make_lookalike(1, base_colour="Red"), make_lookalike(1, base_colour="Red")
    blue = make_lookalike(1, base_colour="Blue")
    product = make_product(base_colour="Red")
    make_image(product)
    page = client.get(product.get_absolute_url()).content.decode()
    assert "New in Shirts" in page
    assert "Similar items" not in page
    response = client.get(f"/api/v1/products/{product.pk}/similar/")
    assert response["Similarity-Basis"] == "newest"
    assert [each["id"] for each in response.json()] == [newer.pk, older.pk, blue.pk]
    ignored = f"/api/v1/products/{product.pk}/similar/?brand=Other&size=XS&in_stock=1"
    assert len(client.get(ignored).json()) == 3
    embed(product.images.get(), 1)
    assert client.get(f"/api/v1/products/{product.pk}/similar/")["Similarity-Basis"] == "image"
