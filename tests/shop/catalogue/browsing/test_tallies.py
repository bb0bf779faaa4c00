"""That what pages take for counted is what a count finds, whoever changed it and however."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.db.models import Count, F, Sum
from django.db.models.lookups import GreaterThan

from shop.catalogue.browsing.facets import count
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Category, Product, ProductTally, Variant
from shop.catalogue.tallies import add_up, count_anew
from tests.factories import make_category, make_product
from tests.locks import wait_until_somebody_waits

pytestmark = pytest.mark.django_db
Work = Callable[[], int]
KIND = ("category_id", "gender", "base_colour", "in_stock")


def _tallied() -> set[tuple[object, ...]]:
    kinds = ProductTally.objects.values_list(*KIND).annotate(all=Sum("n"))
    return set(kinds.exclude(all=0))


def _counted() -> set[tuple[object, ...]]:
    kinds = Product.objects.listed().annotate(in_stock=GreaterThan(F("stock"), 0))
    return set(kinds.values_list(*KIND).annotate(all=Count("*")))


def _shop() -> list[Product]:
    heels = make_category("Footwear", "Shoes", "Heels")
    return [
        make_product(gender="Men", base_colour="Blue"),
        make_product(gender="Men", base_colour="Blue", stock=0),
        make_product(gender="Women", base_colour="Red", category=heels, price=Decimal("90")),
        make_product(gender="Women", base_colour="Red", listed=False),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("later", [count_anew, add_up])
@pytest.mark.parametrize("first", [count_anew, add_up])
def test_two_that_tidy_wait_for_each_other(first: Work, later: Work) -> None:
    for _twice in range(2):
        _shop()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            waiting = pool.submit(later)
            wait_until_somebody_waits()
        waiting.result()
        pool.submit(connections.close_all).result()
    assert _tallied() == _counted() != set()


def test_every_kind_is_tallied_as_it_is() -> None:
    _shop()
    assert _tallied() == _counted() != set()


@pytest.mark.parametrize(
    "change",
    [
        lambda product: Variant.objects.filter(product=product).update(stock=0),
        lambda product: Variant.objects.update(stock=F("stock") + 1),
        lambda product: Product.objects.filter(pk=product.pk).update(base_colour="Green"),
        lambda product: Product.objects.update(category=product.category, gender="Boys"),
        lambda product: Product.objects.update(listed=True),
        lambda product: Product.objects.update(listed=False),
        lambda product: product.delete(),
        lambda product: Product.objects.all().delete(),
    ],
    ids=[
        *("one sold out", "all restocked", "one in green", "all moved", "all listed"),
        *("none listed", "one deleted", "all deleted"),
    ],
)
def test_a_change_of_one_or_of_many_is_tallied(change) -> None:  # type: ignore[no-untyped-def]
    before, rows = _shop(), _tallied()
    change(before[0])
    assert _tallied() == _counted() != rows


def test_a_change_that_moves_no_product_writes_nothing() -> None:
    _shop()
    before = list(ProductTally.objects.order_by("pk").values())
    Product.objects.update(price=F("price") + 1, name="Other")
    Variant.objects.filter(stock=10).update(stock=9)
    assert list(ProductTally.objects.order_by("pk").values()) == before


def test_what_is_taken_back_was_never_tallied() -> None:
    _shop()
    before = _tallied()
    with transaction.atomic():
        Product.objects.all().delete()
        transaction.set_rollback(True)
    assert _tallied() == before


def test_several_rows_of_a_kind_become_one_and_none_where_nothing_is_left() -> None:
    products = _shop()
    products[2].delete()
    sums = _tallied()
    assert add_up() == 1
    assert sorted(ProductTally.objects.values_list("in_stock", "n")) == [(False, 1), (True, 1)]
    assert _tallied() == sums
    assert add_up() == 0


def test_what_was_written_past_the_trigger_is_counted_anew() -> None:
    _shop()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalogue_producttally SET n = n + 7")
    assert count_anew() == 3
    assert _tallied() == _counted()


def test_a_tallied_category_can_be_deleted_when_it_is_empty() -> None:
    heels = _shop()[2]
    heels.delete()
    Category.objects.filter(name="Heels").delete()
    assert not Category.objects.filter(name="Heels").exists()


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(genders=("Men",)),
        Filters(genders=("Men",), colours=("Red",)),
        Filters(not_colours=("Blue",)),
        Filters(price_from=Decimal("50")),
        Filters(words="red"),
    ],
)
def test_tallies_and_products_give_the_same_counts(filters: Filters) -> None:
    _shop()
    in_stock = Product.objects.listed().in_stock()
    for products, tallies in (
        (Product.objects.listed(), ProductTally.objects.all()),
        (in_stock, ProductTally.objects.in_stock()),
        (in_stock.none(), ProductTally.objects.none()),
    ):
        assert count(products, filters, tallies) == count(products, filters)
    below = Category.objects.descendant_ids(Category.objects.get(name="Footwear"))
    products = Product.objects.listed().filter(category__in=below)
    tallies = ProductTally.objects.filter(category__in=below)
    assert count(products, filters, tallies) == count(products, filters)
