from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from shop.catalogue.browsing.facets import Counts, count, facets_in_stock
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.browsing.home import largest_categories
from shop.catalogue.models import Category, Product
from shop.catalogue.querysets import ProductQuerySet
from tests.factories import make_category, make_product, make_stored_image

pytestmark = pytest.mark.django_db
FILTERS = [
    Filters(),
    Filters(genders=("Men",)),
    Filters(genders=("Men",), colours=("Red",)),
    Filters(excluded_colours=("Blue",)),
    Filters(excluded_colours=("Blue",), genders=("Women",)),
    Filters(price_from=Decimal("50")),
    Filters(price_to=Decimal("50"), genders=("Women",)),
    Filters(words="red"),
]


@pytest.fixture
def products() -> list[Product]:
    heels = make_category("Footwear", "Shoes", "Heels")
    return [
        make_product(gender="Men", base_colour="Blue"),
        make_product(gender="Men", base_colour="Blue", stock=0),
        make_product(gender="Women", base_colour="Red", category=heels, price=Decimal("90")),
        make_product(gender="Women", base_colour="Red", listed=False),
    ]


def _counted_one_by_one(products: ProductQuerySet, filters: Filters) -> Counts:
    def numbers(column: str, without: Filters) -> dict[object, int]:
        values = list(products.filter(without.q()).values_list(column, flat=True))
        return {value: values.count(value) for value in values}

    return Counts(
        products.filter(filters.q()).count(),
        numbers("gender", replace(filters, genders=())),
        numbers("base_colour", replace(filters, colours=())),
        numbers("category_id", replace(filters, category_ids=())),
    )


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("categories", ["all", "only heels", "no heels"])
def test_each_facet_is_counted_without_its_own_choice(
    products: list[Product], filters: Filters, categories: str
) -> None:
    heels = (products[2].category_id,)
    if categories == "only heels":
        filters = replace(filters, category_ids=heels)
    if categories == "no heels":
        filters = replace(filters, excluded_category_ids=heels)
    for queryset in (
        Product.objects.listed(),
        Product.objects.listed().in_stock(),
        Product.objects.filter(category=products[0].category),
        Product.objects.none(),
    ):
        assert count(queryset, filters) == _counted_one_by_one(queryset, filters)


def test_the_choices_of_the_facets_share_one_query(products: list[Product]) -> None:
    listed = Product.objects.listed()
    with CaptureQueriesContext(connection) as queries:
        assert count(listed, Filters()).total == 3
        assert count(listed, Filters(genders=("Men",))).total == 2
        assert count(listed, Filters(genders=("Men",), colours=("Red",))).total == 0
        assert count(listed, Filters(excluded_colours=("Blue",))).total == 1
        assert count(listed, Filters(excluded_category_ids=(products[2].category_id,))).total == 2
    assert len(queries) == 1


def test_other_products_prices_and_words_have_their_own_counts(products: list[Product]) -> None:
    listed = Product.objects.listed()
    assert count(listed, Filters()).total == 3
    assert count(listed.in_stock(), Filters()).total == 2
    assert count(listed, Filters(price_from=Decimal("50"))).total == 1
    assert count(listed, Filters(words="blue")).total == 2


def test_counts_are_cached_for_a_minute(products: list[Product]) -> None:
    assert count(Product.objects.listed(), Filters()).total == 3
    make_product()
    assert count(Product.objects.listed(), Filters()).total == 3
    redis = cache._cache.get_client()  # type: ignore[attr-defined]
    ages = [redis.ttl(key) for key in redis.keys("*rows-*")]
    assert len(ages) == 1
    assert 50 < ages[0] <= 60
    cache.clear()
    assert count(Product.objects.listed(), Filters()).total == 4


def test_counts_are_not_cached_without_redis(redis_away: None, products: list[Product]) -> None:
    assert count(Product.objects.listed(), Filters()).total == 3
    make_product()
    assert count(Product.objects.listed(), Filters()).total == 4


def test_the_facets_of_a_photo_count_what_is_in_stock(products: list[Product]) -> None:
    query = QueryDict("gender=Men")
    gender, colour, kind = facets_in_stock(query, Filters.from_query(query))
    assert [(o.value, o.products, o.selected) for o in gender.options] == [
        ("Men", 1, True),
        ("Women", 1, False),
    ]
    assert [(o.value, o.products) for o in colour.options] == [("Blue", 1)]
    assert [(o.value, o.products) for o in kind.options] == [("apparel/topwear/shirts", 1)]


def test_the_home_page_has_the_categories_with_most_products(products: list[Product]) -> None:
    shirts, heels = products[0].category, products[2].category
    caps = make_category("Accessories", "Headwear", "Caps")
    make_product(category=caps)
    assert largest_categories(5) == []  # without a picture there is no cover
    covers = [make_stored_image(product) for product in (products[0], products[2])]
    assert largest_categories(5) == [shirts, heels]
    assert [category.cover for category in largest_categories(5)] == covers
    assert largest_categories(1) == [shirts]


def test_a_category_that_has_just_been_emptied_is_not_on_the_home_page(
    products: list[Product],
) -> None:
    make_stored_image(products[2])
    assert largest_categories(5) == [products[2].category]
    Product.objects.update(listed=False)
    assert largest_categories(5) == []
    Product.objects.all().delete()
    Category.objects.filter(name="Heels").delete()
    assert largest_categories(5) == []
