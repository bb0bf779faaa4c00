from __future__ import annotations

import pytest

from recommender.garments.categories import categories_of
from recommender.models import Affinity, CategoryGarment, DiscreetCategory
from recommender.photo_search.answers import answer_photo
from recommender.recommendations.copurchase import affinities
from recommender.recommendations.outfits import complements
from recommender.search.similar import similar_to_product
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Category, Product
from tests.factories import make_category, make_lookalike, make_photo, point

pytestmark = pytest.mark.django_db


def _category(parent: str, name: str, *garments: str, discreet: bool = False) -> Category:
    category = make_category("Apparel", parent, name)
    for garment in garments:
        CategoryGarment.objects.create(category=category, garment=garment, share=1)
    if discreet:
        DiscreetCategory.objects.create(category=category)
    return category


@pytest.fixture
def shorts() -> Product:
    return make_lookalike(1, category=_category("Bottomwear", "Shorts", "Shorts"))


@pytest.fixture
def boxers() -> Product:
    category = _category("Innerwear", "Boxers", "Shorts", discreet=True)
    return make_lookalike(1, 0.1, category=category)


@pytest.fixture
def briefs() -> Product:
    category = _category("Innerwear", "Briefs", "Underwear", discreet=True)
    return make_lookalike(1, 0.2, category=category)


@pytest.fixture
def shirt() -> Product:
    return make_lookalike(1, 0.3, category=_category("Topwear", "Shirts", "Shirts"))


@pytest.mark.usefixtures("boxers", "briefs")
def test_the_link_to_other_categories_shows_no_discreet_ones(
    shorts: Product, shirt: Product
) -> None:
    other_categories = Filters(excluded_category_ids=(shorts.category_id,))
    assert similar_to_product(shorts, other_categories) == [shirt]


@pytest.mark.usefixtures("briefs")
def test_other_categories_may_include_the_discreet_one_of_the_product(
    boxers: Product, shorts: Product, shirt: Product
) -> None:
    other = make_lookalike(1, 0.05, category=boxers.category)
    without_shirts = Filters(excluded_category_ids=(shirt.category_id,))
    assert similar_to_product(boxers, without_shirts) == [other, shorts]


def test_a_discreet_category_is_searched_if_the_shopper_chose_it(
    shorts: Product, boxers: Product
) -> None:
    chosen = Filters(category_ids=(boxers.category_id,))
    assert similar_to_product(shorts, chosen) == [boxers]
    assert answer_photo(make_photo(1), chosen).products == [boxers]


def test_few_similar_items_are_not_extended_by_discreet_ones(
    shorts: Product, boxers: Product
) -> None:
    assert similar_to_product(shorts) == []
    assert similar_to_product(boxers) == [shorts]


def test_a_category_that_holds_some_underwear_is_not_extended_by_discreet_ones(
    briefs: Product,
) -> None:
    vests = make_lookalike(1, category=_category("Topwear", "Vests", "Tops", "Underwear"))
    assert similar_to_product(vests) == []
    assert similar_to_product(briefs) == [vests]


def test_a_photo_of_shorts_finds_no_boxers(shorts: Product, boxers: Product) -> None:
    photo = make_photo(1, whole_embedding=point(0, 1), garments=[["Shorts", 0.9]])
    assert answer_photo(photo, Filters()).products == [shorts]
    assert answer_photo(photo, Filters(), "Shorts").products == [shorts]


def test_a_photo_of_underwear_finds_underwear(boxers: Product, briefs: Product) -> None:
    assert categories_of(["Underwear"]) == (briefs.category_id,)


def test_a_garment_that_only_a_discreet_category_holds_is_found_there() -> None:
    socks = _category("Socks", "Socks", "Socks", discreet=True)
    assert categories_of(["Socks"]) == (socks.pk,)


def test_a_photo_finds_nothing_if_all_categories_of_its_garment_are_excluded(
    shorts: Product, shirt: Product
) -> None:
    photo = make_photo(1, whole_embedding=point(0, 1), garments=[["Shorts", 0.9]])
    answer = answer_photo(photo, Filters(excluded_category_ids=(shorts.category_id,)))
    assert answer.missing
    assert answer.products == []


def test_products_bought_together_show_no_discreet_ones(
    shirt: Product, briefs: Product, shorts: Product
) -> None:
    others = [briefs, shorts, make_lookalike(category=briefs.category)]
    for product in (shirt, briefs):
        for other in others:
            if other != product:
                Affinity.objects.create(
                    kind="bought", product=product, other=other, score=1, support=2
                )
    assert affinities(shirt) == {"bought": [shorts.pk]}
    assert affinities(briefs) == {"bought": [shorts.pk, others[2].pk]}


def test_a_discreet_category_completes_no_outfit(shirt: Product) -> None:
    jeans = make_category("Apparel", "Bottomwear", "Jeans")
    product = make_lookalike(1, category=jeans, base_colour="Black")
    shirt.base_colour = "Black"
    assert [one.product_id for one in complements([shirt])["bottom"]] == [product.pk]
    DiscreetCategory.objects.create(category=jeans)
    assert complements([shirt])["bottom"] == []
