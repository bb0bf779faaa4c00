from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import F
from django.test import Client

from recommender.embedding.rollout import repair
from recommender.models import Affinity, EmbeddingModel, Event
from shop.catalogue.models import Category, Product
from shop.orders.models import Order, OrderLine
from tests.factories import (
    make_category,
    make_customer,
    make_image,
    make_lookalike,
    make_order,
    make_product,
    point,
)
from tests.html import one_line

pytestmark = pytest.mark.django_db
MAN: dict[str, Any] = {
    "gender": "Men",
    "usage": "Casual",
    "season": "Summer",
    "base_colour": "Blue",
}


def jeans() -> Category:
    return make_category("Apparel", "Bottomwear", "Jeans")


def shoes() -> Category:
    return make_category("Footwear", "Shoes", "Casual Shoes")


def complete(**values: Any) -> list[int]:
    """A pair of shoes, a bag and a belt, in the order in which a look shows them: with a shirt."""
    categories = (
        shoes(),
        make_category("Accessories", "Bags", "Backpacks"),
        make_category("Accessories", "Belts", "Belts"),
    )
    return [make_lookalike(0, 1, category=each, **(MAN | values)).pk for each in categories]


def block(client: Client, url: str, name: str) -> list[int]:
    """The ids of the products in a block of the page, in their order; none without the block."""
    page = client.get(url).content.decode()
    found = re.search(rf'<section class="block" data-block="{name}".*?</section>', page, re.S)
    return [int(pk) for pk in re.findall(r'data-product-id="(\d+)"', found[0])] if found else []


def buy(user: User | None, *products: Product, **values: Any) -> Order:
    order = make_order(user=user, **values)
    order.lines.all().delete()
    for product in products:
        OrderLine.objects.create(
            order=order,
            variant=product.variants.get(),
            sku=product.pk,
            name=product.name,
            unit_price=product.price,
            quantity=1,
        )
    return order


def look_at(client: Client, *products: Product) -> None:
    """The newest first."""
    client.cookies["recent"] = ".".join(str(product.pk) for product in products)


# Picked for you


def test_a_stranger_is_shown_nothing_and_costs_no_query(client: Client) -> None:
    make_lookalike(1, 0)
    assert block(client, "/", "picked") == []


def test_every_taste_brings_its_own_nearest(client: Client) -> None:
    one, other = make_lookalike(1, 0, 0, name="Coat"), make_lookalike(0, 1, 0, name="Sandal")
    near_one, near_other = make_lookalike(0.99, 0, 0.14), make_lookalike(0, 0.98, 0.2)
    between = make_lookalike(0.6, 0.6, 0.53)
    look_at(client, one, other)
    assert block(client, "/", "picked") == [near_one.pk, near_other.pk, between.pk]
    page = one_line(client.get("/").content.decode())
    assert re.search(r"Because you viewed <a [^>]*>Coat</a>", page)
    assert re.search(r"Because you viewed <a [^>]*>Sandal</a>", page)


def test_saved_and_bought_products_speak_too_and_are_named_so(client: Client) -> None:
    alice = make_customer("alice@example.com")
    saved, bought = make_lookalike(1, 0, name="Saved"), make_lookalike(0, 1, name="Bought")
    near_saved, near_bought = make_lookalike(0.99, 0.1), make_lookalike(0.1, 0.99)
    alice.saved.create(product=saved)
    buy(alice, bought)
    client.force_login(alice)
    assert set(block(client, "/", "picked")) == {near_saved.pk, near_bought.pk}
    page = one_line(client.get("/").content.decode())
    assert re.search(r"Because you saved <a [^>]*>Saved</a>", page)
    assert re.search(r"Because you bought <a [^>]*>Bought</a>", page)
    assert set(block(client, "/account/", "picked")) == {near_saved.pk, near_bought.pk}


def test_a_guests_hearts_speak(client: Client) -> None:
    saved, near = make_lookalike(1, 0), make_lookalike(0.99, 0.1)
    client.post(f"/saved/{saved.pk}/")
    assert block(client, "/", "picked") == [near.pk]


def test_what_was_bought_is_never_shown_but_what_was_cancelled_may_be(client: Client) -> None:
    alice = make_customer("alice@example.com")
    seen, bought, cancelled = (make_lookalike(1, step / 10) for step in range(3))
    buy(alice, bought)
    buy(alice, cancelled, state=Order.State.CANCELLED)
    client.force_login(alice)
    look_at(client, seen)
    assert block(client, "/", "picked") == [cancelled.pk]


def test_sold_out_and_unlisted_products_are_never_picked(client: Client) -> None:
    seen, near = make_lookalike(1, 0), make_lookalike(1, 0.3)
    make_lookalike(1, 0.1, stock=0)
    make_lookalike(1, 0.1, listed=False)
    look_at(client, seen)
    assert block(client, "/", "picked") == [near.pk]


def test_an_unlisted_product_is_no_reason(client: Client) -> None:
    make_lookalike(1, 0.1)
    look_at(client, make_lookalike(1, 0, listed=False))
    assert block(client, "/", "picked") == []


def test_ten_are_picked_at_most_and_none_twice(client: Client) -> None:
    seen = [make_lookalike(1, step / 100) for step in range(3)]
    others = {make_lookalike(1, 0.2 + step / 5).pk for step in range(14)}
    look_at(client, *seen)
    found = block(client, "/", "picked")
    assert len(found) == len(set(found)) == 10
    assert set(found) <= others


def test_who_is_not_counted_is_picked_for_all_the_same(client: Client) -> None:
    seen, near = make_lookalike(1, 0), make_lookalike(1, 0.3)
    client.post("/privacy/counting/")
    look_at(client, seen)
    assert block(client, "/", "picked") == [near.pk]
    client.post("/events/", {"event": ["picked,seen,", f"product,viewed,{seen.pk}"]})
    assert not Event.objects.exists()
    assert not client.cookies["visit"].value


@pytest.mark.parametrize("cookie", ["x", "", "99999999", "1.2.3" * 40, "-1", "²"])
def test_a_cookie_of_nonsense_picks_nothing(client: Client, cookie: str) -> None:
    make_lookalike(1, 0)
    client.cookies["recent"] = cookie
    Product.objects.filter(pk__in=[1, 2, 3]).delete()
    assert client.get("/").status_code == 200
    assert block(client, "/", "picked") == []


def test_the_active_models_vectors_are_compared_and_no_others(client: Client) -> None:
    seen, blue = make_lookalike(1, 0), make_lookalike(1, 0.1)
    green = make_product()
    make_image(green)
    other = EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    repair()
    for product, at in ((green, point(1, 0.1)), (seen, point(1, 0))):
        rows = other.embeddings.filter(product=product)
        rows.update(embedding=at, duplicate_group=F("image"), status="embedded")
    look_at(client, seen)
    assert block(client, "/", "picked") == [blue.pk]
    EmbeddingModel.objects.filter(state="active").update(state="previous")
    EmbeddingModel.objects.filter(pk=other.pk).update(state="active")
    assert block(client, "/", "picked") == [green.pk]


def test_picked_for_you_adds_four_queries_or_five_where_the_index_is_short(
    client: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    seen = make_lookalike(1, 0)
    for step in range(1, 14):
        make_lookalike(1, step / 10)
    client.get("/")  # caches the counts of the categories
    with django_assert_num_queries(5):
        client.get("/")
    look_at(client, seen)
    with django_assert_max_num_queries(11):
        client.get("/")


# Complete the look


def outfit_of(client: Client, product: Product) -> list[int]:
    """With five more of the product, so that the similar items take nothing from the look."""
    for step in range(5):
        make_lookalike(1, 0, 0.06 * (step + 1), category=product.category, gender=product.gender)
    return block(client, product.get_absolute_url(), "look")


def test_a_look_has_one_of_each_other_role_and_the_nearest_of_each(client: Client) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    make_lookalike(1, 0.9, category=jeans(), **MAN)
    near = make_lookalike(1, 0.5, category=jeans(), **MAN)
    others = complete()
    make_lookalike(1, 0.1, **MAN)
    assert outfit_of(client, shirt) == [near.pk, *others]


def test_two_things_are_no_look(client: Client) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    pair, bag, belt = complete()
    assert outfit_of(client, shirt) == [pair, bag, belt]
    Product.objects.filter(pk=belt).update(listed=False)
    cache.clear()
    assert block(client, shirt.get_absolute_url(), "look") == []


@pytest.mark.parametrize(
    "other",
    [
        {"gender": "Women"},
        {"usage": "Formal"},
        {"season": "Winter"},
        {"base_colour": "Red"},
        {"base_colour": "Multi"},
        {"stock": 0},
        {"listed": False},
    ],
)
def test_what_does_not_fit_completes_no_look(client: Client, other: dict[str, Any]) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    make_lookalike(0.5, 1, category=jeans(), **(MAN | other))
    others = complete()
    assert outfit_of(client, shirt) == others


@pytest.mark.parametrize(
    "other", [{"gender": "Unisex"}, {"usage": ""}, {"season": ""}, {"base_colour": "Black"}]
)
def test_what_fits_everything_completes_every_look(client: Client, other: dict[str, Any]) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    trousers = make_lookalike(0.5, 1, category=jeans(), **(MAN | other))
    others = complete()
    assert outfit_of(client, shirt) == [trousers.pk, *others]


def test_a_look_is_for_one_person(client: Client) -> None:
    shirt = make_lookalike(1, 0, **(MAN | {"gender": "Unisex"}))
    trousers = make_lookalike(1, 0.5, category=jeans(), **MAN)
    make_lookalike(1, 0.5, category=shoes(), **(MAN | {"gender": "Women"}))
    others = complete()
    assert outfit_of(client, shirt) == [trousers.pk, *others]


def test_a_dress_gets_no_trousers(client: Client) -> None:
    woman = MAN | {"gender": "Women"}
    dress = make_lookalike(1, 0, category=make_category("Apparel", "Dress", "Dresses"), **woman)
    make_lookalike(1, 0.1, category=jeans(), **woman)
    others = complete(gender="Women")
    assert outfit_of(client, dress) == others


@pytest.mark.parametrize("path", [("Apparel", "Innerwear", "Briefs"), ("Personal Care", "Lips")])
def test_what_is_no_part_of_an_outfit_has_no_look(client: Client, path: tuple[str, ...]) -> None:
    product = make_lookalike(1, 0, category=make_category(*path), **MAN)
    make_lookalike(1, 0.1, category=jeans(), **MAN)
    complete()
    assert outfit_of(client, product) == []


def test_a_product_without_a_vector_has_a_look_of_the_newest(client: Client) -> None:
    shirt = make_product(**MAN)
    make_lookalike(1, 0.1, category=jeans(), **MAN)
    Product.objects.update(created="2020-01-01T00:00Z")
    newest = make_lookalike(1, 0.9, category=jeans(), **MAN)
    others = complete()
    assert outfit_of(client, shirt) == [newest.pk, *others]


def test_no_product_is_twice_on_a_page(client: Client) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    for step in range(1, 12):
        make_lookalike(1, step / 10, category=jeans(), **MAN)
        make_lookalike(1, 0, step / 10, **MAN)
    complete()
    page = client.get(shirt.get_absolute_url()).content.decode()
    ids = re.findall(r'data-product-id="(\d+)"', page)
    assert len(ids) == len(set(ids))
    names = re.findall(r'data-block="([\w-]+)"', page)
    assert names == ["similar", "look"]
    assert len(ids) == 5 + 4


# Bought together, also viewed


def relate(kind: str, product: Product, *others: Product) -> None:
    for place, other in enumerate(others):
        Affinity.objects.create(kind=kind, product=product, other=other, score=9 - place, support=3)


@pytest.mark.parametrize("kind", ["bought", "viewed"])
def test_affinities_are_shown_the_strongest_first(client: Client, kind: str) -> None:
    product = make_lookalike(1)
    second, first = make_product(), make_product()
    gone, hidden = make_product(stock=0), make_product(listed=False)
    for each in (first, second, gone, hidden):
        make_image(each)
    relate(kind, product, gone, first, hidden, second)
    assert block(client, product.get_absolute_url(), kind) == [first.pk, second.pk]


@pytest.mark.parametrize(
    ("bought", "viewed", "shown"), [(2, 2, "bought"), (1, 2, "viewed"), (0, 1, "viewed")]
)
def test_of_bought_together_and_also_viewed_the_longer_row_is_shown(
    client: Client, bought: int, viewed: int, shown: str
) -> None:
    product = make_lookalike(1)
    others = [make_product() for _number in range(4)]
    for each in others:
        make_image(each)
    relate("bought", product, *others[:bought])
    relate("viewed", product, *others[2 : 2 + viewed])
    page = client.get(product.get_absolute_url()).content.decode()
    assert re.findall(r'data-block="([\w-]+)"', page) == ["similar", shown]


def test_what_nobody_bought_or_looked_at_has_no_further_row(client: Client) -> None:
    product = make_lookalike(1)
    near = [make_lookalike(1, step / 10).pk for step in range(1, 12)]
    page = client.get(product.get_absolute_url()).content.decode()
    assert re.findall(r'data-block="([\w-]+)"', page) == ["similar"]
    assert [int(pk) for pk in re.findall(r'data-product-id="(\d+)"', page)] == near[:5]


# Cart


def put(client: Client, *products: Product) -> None:
    for product in products:
        client.post("/cart/add/", {"variant": product.variants.get().pk})


def test_the_cart_shows_complements_and_no_look_alikes(client: Client) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    make_lookalike(1, 0.05, **MAN)
    trousers = make_lookalike(1, 0.5, category=jeans(), **MAN)
    others = complete()
    put(client, shirt)
    assert block(client, "/cart/", "cart") == [trousers.pk, *others]
    put(client, trousers)
    make_lookalike(1, 0.1, category=jeans(), **MAN)
    assert block(client, "/cart/", "cart") == others


def test_an_empty_cart_has_no_complements(client: Client) -> None:
    make_lookalike(1, 0, **MAN)
    assert block(client, "/cart/", "cart") == []


def test_the_cart_adds_two_queries(client: Client, django_assert_num_queries: Any) -> None:
    lipstick = make_lookalike(1, 0, category=make_category("Personal Care", "Lips"), **MAN)
    shirt = make_lookalike(1, 0, **MAN)
    make_lookalike(1, 0.5, category=jeans(), **MAN)
    put(client, lipstick)
    client.get("/cart/")
    with django_assert_num_queries(7):
        client.get("/cart/")
    put(client, shirt)
    client.get("/cart/")
    with django_assert_num_queries(9):
        client.get("/cart/")
