from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from recommender.models import Affinity, Event, Popularity
from recommender.recommendations import copurchase
from recommender.recommendations.copurchase import affinities, compute_affinities
from recommender.tasks import compute_affinities as task
from recommender.tracking.events import delete_old_events
from shop.catalogue.models import Product
from shop.orders.models import Order
from tests.factories import make_order, make_product, make_purchase

pytestmark = pytest.mark.django_db


def visit(number: int, *products: Product) -> None:
    for product in products:
        Event.objects.create(block="product", kind="viewed", product=product, visit=f"v{number}")


def rows(kind: str) -> list[tuple[Product, Product, float, int]]:
    found = Affinity.objects.filter(kind=kind).select_related("product", "other")
    ordered = found.order_by("product_id", "-score", "other_id")
    return [(row.product, row.other, row.score, row.support) for row in ordered]


@pytest.fixture
def three() -> tuple[Product, Product, Product]:
    return make_product(), make_product(), make_product()


def test_products_viewed_together_more_often_than_by_chance_are_related(
    three: tuple[Product, ...],
) -> None:
    one, two, three_ = three
    for number in range(3):
        visit(number, one, two)
    visit(3, three_)
    visit(4, three_, one)
    visit(5, three_)
    assert compute_affinities() == 2
    # Three of six visits have both, four the one and three the other: 3 * 6 / (4 * 3) = 1.5,
    # of which 3 / (3 + 5) is kept.
    assert rows("viewed") == [(one, two, 0.5625, 3), (two, one, 0.5625, 3)]


def test_products_bought_together_are_related(three: tuple[Product, ...]) -> None:
    one, two, other = three
    for _order in range(2):
        make_purchase(None, one, two)
        make_purchase(None, other)
    compute_affinities()
    # 2 * 4 / (2 * 2) = 2, of which 2 / 7 is kept.
    score = pytest.approx(4 / 7)
    assert rows("bought") == [(one, two, score, 2), (two, one, score, 2)]


def test_products_of_a_single_basket_are_not_related(three: tuple[Product, ...]) -> None:
    make_purchase(None, *three)
    visit(1, *three)
    assert compute_affinities() == 0


def test_cancelled_and_refunded_orders_do_not_count(three: tuple[Product, ...]) -> None:
    make_purchase(None, *three)
    make_purchase(None, *three, state=Order.State.CANCELLED)
    make_purchase(None, *three, state=Order.State.REFUNDED)
    assert compute_affinities() == 0


def test_reloading_a_page_counts_as_one_view(three: tuple[Product, ...]) -> None:
    one, two, other = three
    visit(1, one, two, one, two, one)
    visit(2, other)
    assert compute_affinities() == 0
    assert Popularity.objects.get(product=one).baskets == 1


def test_products_in_every_basket_are_not_related(three: tuple[Product, ...]) -> None:
    one, two, _three = three
    for number in range(4):
        visit(number, one, two)
    assert compute_affinities() == 0


def test_a_visit_with_very_many_products_is_ignored(
    three: tuple[Product, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copurchase, "MAX_BASKET_SIZE", 2)
    for number in range(3):
        visit(number, *three)
    visit(9, make_product())
    assert compute_affinities() == 0


def test_recomputing_affinities_removes_old_ones(
    three: tuple[Product, ...],
) -> None:
    one, two, other = three
    visit(1, one, two)
    visit(2, one, two)
    visit(3, other)
    assert compute_affinities() == compute_affinities() == 2
    task()
    assert len(rows("viewed")) == 2
    Event.objects.filter(visit="v1").delete()
    assert compute_affinities() == 0
    assert not Affinity.objects.exists()


def test_only_the_strongest_affinities_of_a_product_are_stored(
    three: tuple[Product, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copurchase, "MAX_PER_PRODUCT", 1)
    one, two, other = three
    for number in range(4):
        visit(number, one, two)
    for number in range(4, 6):
        visit(number, one, other)
    visit(6, make_product())
    compute_affinities()
    assert [(p, o) for p, o, _score, _support in rows("viewed")] == [
        (one, two),
        (two, one),
        (other, one),
    ]


def test_a_failed_computation_keeps_the_old_affinities(
    three: tuple[Product, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, other = three
    visit(1, one, two)
    visit(2, one, two)
    visit(3, other)
    compute_affinities()
    monkeypatch.setattr(copurchase, "COMPUTE", "SELECT 1 / 0 {baskets}")
    with pytest.raises(Exception, match=r"syntax|division"):
        compute_affinities()
    assert len(rows("viewed")) == 2


def test_sold_out_and_unlisted_products_are_not_returned(
    three: tuple[Product, ...], django_assert_num_queries: Any
) -> None:
    one, two, other = three
    hidden, gone = make_product(listed=False), make_product(stock=0)
    for score, each in enumerate((two, other, hidden, gone)):
        Affinity.objects.create(kind="bought", product=one, other=each, score=score, support=2)
    with django_assert_num_queries(2):
        assert affinities(one) == {"bought": [other.pk, two.pk]}


def test_an_order_counts_for_popularity_as_a_visit_does(three: tuple[Product, ...]) -> None:
    one, two, _three = three
    visit(1, one, two)
    make_purchase(None, one)
    compute_affinities()
    assert dict(Popularity.objects.values_list("product", "baskets")) == {one.pk: 2, two.pk: 1}


def test_an_order_of_a_deleted_variant_is_ignored() -> None:
    make_order().lines.update(variant=None)
    assert compute_affinities() == 0


# Views of product pages


def _view(client: Client, product: Product, **headers: str) -> None:
    client.post("/events/", {"event": f"product,viewed,{product.pk}"}, headers=headers)


def test_the_pages_of_one_visit_share_a_random_key(
    client: Client, three: tuple[Product, ...]
) -> None:
    one, two, other = three
    _view(client, one)
    _view(client, two)
    stranger = Client()
    _view(stranger, other)
    keys = list(Event.objects.order_by("pk").values_list("visit", flat=True))
    assert keys[0] == keys[1] != keys[2]
    assert {len(key) for key in keys} == {22}
    cookie = client.cookies["visit"]
    assert (cookie.value, cookie["max-age"], cookie["httponly"]) == (keys[0], "", True)
    client.post("/events/", {"event": f"similar,followed,{one.pk}"})
    assert Event.objects.get(kind="followed").visit == ""


@pytest.mark.parametrize("headers", [{"DNT": "1"}, {"Sec-GPC": "1"}])
def test_a_visitor_who_opted_out_gets_no_visit_key(
    client: Client, three: tuple[Product, ...], headers: dict[str, str]
) -> None:
    _view(client, three[0], **headers)
    assert not Event.objects.exists()
    assert "visit" not in client.cookies


def test_opting_out_ends_the_visit(client: Client, three: tuple[Product, ...]) -> None:
    _view(client, three[0])
    client.post("/privacy/counting/")
    assert not client.cookies["visit"].value
    _view(client, three[1])
    assert Event.objects.count() == 1


@pytest.mark.parametrize("cookie", ["", "short", "x" * 500, "é" * 22, "a b" + "c" * 19])
def test_a_forged_visit_is_replaced(
    client: Client, three: tuple[Product, ...], cookie: str
) -> None:
    client.cookies["visit"] = cookie
    _view(client, three[0])
    assert Event.objects.get().visit not in ("", cookie)


@pytest.mark.parametrize("event", ["product,viewed,", "product,seen,1", "similar,viewed,1"])
def test_a_view_without_a_product_or_of_a_row_is_not_stored(client: Client, event: str) -> None:
    make_product(pk=1)
    client.post("/events/", {"event": event})
    assert not Event.objects.exists()


def test_a_visit_is_deleted_after_90_days(three: tuple[Product, ...]) -> None:
    visit(1, *three)
    Event.objects.filter(product=three[0]).update(at=timezone.now() - timedelta(days=91))
    assert delete_old_events() == 1
    assert Event.objects.count() == 2


def test_the_settings_of_the_planner_are_restored() -> None:
    compute_affinities()
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_nestloop")
        assert cursor.fetchone() == ("on",)
