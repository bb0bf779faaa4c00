"""That only what is slow is kept, and that a shopper sees nothing which is not there."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from shop.catalogue.browsing import slow
from shop.catalogue.models import Product
from tests.factories import make_product

pytestmark = pytest.mark.django_db
NEXT = "SELECT nextval('catalogue_product_id_seq') - %s"


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """So many pass, to each query, between two looks at the clock."""
    step, now = [0.0], [0.0]

    def look() -> float:
        now[0] += step[0]
        return now[0]

    monkeypatch.setattr(slow.time, "perf_counter", look)
    return step


def test_what_is_quick_is_asked_for_anew(seconds: list[float]) -> None:
    seconds[0] = 0.09
    first, second = slow.rows(NEXT, [0]), slow.rows(NEXT, [0])
    assert second == [(first[0][0] + 1,)]


def test_what_is_slow_is_kept_a_hundred_times_as_long(seconds: list[float]) -> None:
    seconds[0] = 0.5
    first, again, other = slow.rows(NEXT, [0]), slow.rows(NEXT, [0]), slow.rows(NEXT, [1])
    assert again == first
    assert other == first  # another question: one more, less one
    redis = cache._cache.get_client()  # type: ignore[attr-defined]
    assert sorted(redis.ttl(key) for key in redis.keys("*slow-*")) == [50, 50]


def test_with_redis_away_nothing_is_kept(redis_away: None, seconds: list[float]) -> None:
    seconds[0] = 0.5
    first, second = slow.rows(NEXT, [0]), slow.rows(NEXT, [0])
    assert second == [(first[0][0] + 1,)]


def test_a_list_that_was_kept_leaves_out_what_is_in_the_shop_no_more(
    client: Client, seconds: list[float]
) -> None:
    seconds[0] = 0.5
    first, middle, last = (make_product(name=f"Linen {n}") for n in range(3))
    listing = client.get("/search/?q=linen").context["listing"]
    assert list(listing.page) == [last, middle, first]
    Product.objects.filter(pk=middle.pk).update(listed=False)
    make_product(name="Linen 3")
    listing = client.get("/search/?q=linen").context["listing"]
    assert list(listing.page) == [last, first]
    assert listing.page.paginator.count == 3


def test_counts_that_the_database_keeps_are_always_new(
    client: Client, seconds: list[float]
) -> None:
    seconds[0] = 0.5
    for products in (1, 2):
        make_product()
        listing = client.get("/products/").context["listing"]
        assert listing.page.paginator.count == products
