from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import F
from django.test import Client

from recommender.embedding.rollout import repair
from recommender.models import Affinity, EmbeddingModel, Event
from shop.catalogue.models import Category, Product
from shop.orders.models import Order
from tests.factories import (
    make_category,
    make_customer,
    make_image,
    make_lookalike,
    make_product,
    make_purchase,
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


def make_accessories(**values: Any) -> list[int]:
    """Make shoes, a bag and a belt; return their ids in the order of an outfit with a shirt."""
    categories = (
        shoes(),
        make_category("Accessories", "Bags", "Backpacks"),
        make_category("Accessories", "Belts", "Belts"),
    )
    return [make_lookalike(0, 1, category=each, **(MAN | values)).pk for each in categories]


def ids_in_row(client: Client, url: str, name: str) -> list[int]:
    """Return the ids of the products in a row of the page, or ``[]`` if there is no such row."""
    page = client.get(url).content.decode()
    found = re.search(rf'<section class="block" data-block="{name}".*?</section>', page, re.S)
    return [int(pk) for pk in re.findall(r'data-product-id="(\d+)"', found[0])] if found else []


def view(client: Client, *products: Product) -> None:
    """Set the cookie of recently viewed products, the most recent first."""
    client.cookies["recent"] = ".".join(str(product.pk) for product in products)


# Picked for you


def test_a_new_visitor_gets_no_personalised_row(client: Client) -> None:
    make_lookalike(1, 0)
    assert ids_in_row(client, "/", "picked") == []


def test_each_viewed_product_contributes_its_own_neighbours(client: Client) -> None:
    one, other = make_lookalike(1, 0, 0, name="Coat"), make_lookalike(0, 1, 0, name="Sandal")
    near_one, near_other = make_lookalike(0.99, 0, 0.14), make_lookalike(0, 0.98, 0.2)
    between = make_lookalike(0.6, 0.6, 0.53)
    view(client, one, other)
    assert ids_in_row(client, "/", "picked") == [near_one.pk, near_other.pk, between.pk]
    page = one_line(client.get("/").content.decode())
    assert re.search(r"Because you viewed <a [^>]*>Coat</a>", page)
    assert re.search(r"Because you viewed <a [^>]*>Sandal</a>", page)


def test_saved_and_bought_products_are_reasons_too(client: Client) -> None:
    alice = make_customer("alice@example.com")
    saved, bought = make_lookalike(1, 0, name="Saved"), make_lookalike(0, 1, name="Bought")
    near_saved, near_bought = make_lookalike(0.99, 0.1), make_lookalike(0.1, 0.99)
    alice.saved.create(product=saved)
    make_purchase(alice, bought)
    client.force_login(alice)
    assert set(ids_in_row(client, "/", "picked")) == {near_saved.pk, near_bought.pk}
    page = one_line(client.get("/").content.decode())
    assert re.search(r"Because you saved <a [^>]*>Saved</a>", page)
    assert re.search(r"Because you bought <a [^>]*>Bought</a>", page)
    assert set(ids_in_row(client, "/account/", "picked")) == {near_saved.pk, near_bought.pk}


def test_products_saved_by_a_guest_are_reasons(client: Client) -> None:
    saved, near = make_lookalike(1, 0), make_lookalike(0.99, 0.1)
    client.post(f"/saved/{saved.pk}/")
    assert ids_in_row(client, "/", "picked") == [near.pk]


def test_a_bought_product_is_not_recommended_unless_its_order_was_cancelled(client: Client) -> None:
    alice = make_customer("alice@example.com")
    seen, bought, cancelled = (make_lookalike(1, step / 10) for step in range(3))
    make_purchase(alice, bought)
    make_purchase(alice, cancelled, state=Order.State.CANCELLED)
    client.force_login(alice)
    view(client, seen)
    assert ids_in_row(client, "/", "picked") == [cancelled.pk]


def test_sold_out_and_unlisted_products_are_not_recommended(client: Client) -> None:
    seen, near = make_lookalike(1, 0), make_lookalike(1, 0.3)
    make_lookalike(1, 0.1, stock=0)
    make_lookalike(1, 0.1, listed=False)
    view(client, seen)
    assert ids_in_row(client, "/", "picked") == [near.pk]


def test_an_unlisted_product_is_no_reason(client: Client) -> None:
    make_lookalike(1, 0.1)
    view(client, make_lookalike(1, 0, listed=False))
    assert ids_in_row(client, "/", "picked") == []


def test_at_most_ten_products_are_recommended_and_none_twice(client: Client) -> None:
    seen = [make_lookalike(1, step / 100) for step in range(3)]
    others = {make_lookalike(1, 0.2 + step / 5).pk for step in range(14)}
    view(client, *seen)
    found = ids_in_row(client, "/", "picked")
    assert len(found) == len(set(found)) == 10
    assert set(found) <= others


def test_a_visitor_who_opted_out_gets_personalised_rows(client: Client) -> None:
    seen, near = make_lookalike(1, 0), make_lookalike(1, 0.3)
    client.post("/privacy/counting/")
    view(client, seen)
    assert ids_in_row(client, "/", "picked") == [near.pk]
    client.post("/events/", {"event": ["picked,seen,", f"product,viewed,{seen.pk}"]})
    assert not Event.objects.exists()
    assert not client.cookies["visit"].value


@pytest.mark.parametrize("cookie", ["x", "", "99999999", "1.2.3" * 40, "-1", "²"])
def test_an_invalid_cookie_is_ignored(client: Client, cookie: str) -> None:
    make_lookalike(1, 0)
    client.cookies["recent"] = cookie
    Product.objects.filter(pk__in=[1, 2, 3]).delete()
    assert client.get("/").status_code == 200
    assert ids_in_row(client, "/", "picked") == []


def test_only_embeddings_of_the_active_model_are_compared(client: Client) -> None:
    seen, blue = make_lookalike(1, 0), make_lookalike(1, 0.1)
    green = make_product()
    make_image(green)
    other = EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    repair()
    for product, at in ((green, point(1, 0.1)), (seen, point(1, 0))):
        rows = other.embeddings.filter(product=product)
        rows.update(embedding=at, duplicate_group=F("image"), status="embedded")
    view(client, seen)
    assert ids_in_row(client, "/", "picked") == [blue.pk]
    EmbeddingModel.objects.filter(state="active").update(state="previous")
    EmbeddingModel.objects.filter(pk=other.pk).update(state="active")
    assert ids_in_row(client, "/", "picked") == [green.pk]


def test_the_personalised_row_adds_at_most_six_queries(
    client: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    seen = make_lookalike(1, 0)
    for step in range(1, 14):
        make_lookalike(1, step / 10)
    client.get("/")  # caches the counts of the categories
    with django_assert_num_queries(5):
        client.get("/")
    view(client, seen)
    with django_assert_max_num_queries(11):
        client.get("/")


# Complete the look


def outfit_of(client: Client, product: Product) -> list[int]:
    """Return the outfit on a product's page, after making five similar products.

    They fill the row of similar items, which would show products of the outfit otherwise.
    """
    for step in range(5):
        make_lookalike(1, 0, 0.06 * (step + 1), category=product.category, gender=product.gender)
    return ids_in_row(client, product.get_absolute_url(), "look")


def test_an_outfit_has_the_nearest_product_of_each_other_role(client: Client) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    make_lookalike(1, 0.9, category=jeans(), **MAN)
    near = make_lookalike(1, 0.5, category=jeans(), **MAN)
    others = make_accessories()
    make_lookalike(1, 0.1, **MAN)
    assert outfit_of(client, shirt) == [near.pk, *others]


def test_two_products_are_no_outfit(client: Client) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    pair, bag, belt = make_accessories()
    assert outfit_of(client, shirt) == [pair, bag, belt]
    Product.objects.filter(pk=belt).update(listed=False)
    cache.clear()
    assert ids_in_row(client, shirt.get_absolute_url(), "look") == []


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
def test_a_product_that_does_not_fit_is_not_in_the_outfit(
    client: Client, other: dict[str, Any]
) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    make_lookalike(0.5, 1, category=jeans(), **(MAN | other))
    others = make_accessories()
    assert outfit_of(client, shirt) == others


@pytest.mark.parametrize(
    "other", [{"gender": "Unisex"}, {"usage": ""}, {"season": ""}, {"base_colour": "Black"}]
)
def test_a_product_that_fits_any_is_in_the_outfit(client: Client, other: dict[str, Any]) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    trousers = make_lookalike(0.5, 1, category=jeans(), **(MAN | other))
    others = make_accessories()
    assert outfit_of(client, shirt) == [trousers.pk, *others]


def test_an_outfit_is_for_one_gender(client: Client) -> None:
    shirt = make_lookalike(1, 0, **(MAN | {"gender": "Unisex"}))
    trousers = make_lookalike(1, 0.5, category=jeans(), **MAN)
    make_lookalike(1, 0.5, category=shoes(), **(MAN | {"gender": "Women"}))
    others = make_accessories()
    assert outfit_of(client, shirt) == [trousers.pk, *others]


def test_an_outfit_with_a_dress_has_no_trousers(client: Client) -> None:
    woman = MAN | {"gender": "Women"}
    dress = make_lookalike(1, 0, category=make_category("Apparel", "Dress", "Dresses"), **woman)
    make_lookalike(1, 0.1, category=jeans(), **woman)
    others = make_accessories(gender="Women")
    assert outfit_of(client, dress) == others


@pytest.mark.parametrize("path", [("Apparel", "Innerwear", "Briefs"), ("Personal Care", "Lips")])
def test_a_product_without_a_role_has_no_outfit(client: Client, path: tuple[str, ...]) -> None:
    product = make_lookalike(1, 0, category=make_category(*path), **MAN)
    make_lookalike(1, 0.1, category=jeans(), **MAN)
    make_accessories()
    assert outfit_of(client, product) == []


def test_without_an_embedding_the_outfit_has_the_newest_products(
    client: Client,
) -> None:
    shirt = make_product(**MAN)
    make_lookalike(1, 0.1, category=jeans(), **MAN)
    Product.objects.update(created="2020-01-01T00:00Z")
    newest = make_lookalike(1, 0.9, category=jeans(), **MAN)
    others = make_accessories()
    assert outfit_of(client, shirt) == [newest.pk, *others]


def test_no_product_is_shown_twice_on_a_page(client: Client) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    for step in range(1, 12):
        make_lookalike(1, step / 10, category=jeans(), **MAN)
        make_lookalike(1, 0, step / 10, **MAN)
    make_accessories()
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
    assert ids_in_row(client, product.get_absolute_url(), kind) == [first.pk, second.pk]


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


def test_a_product_without_affinities_has_no_further_row(client: Client) -> None:
    product = make_lookalike(1)
    near = [make_lookalike(1, step / 10).pk for step in range(1, 12)]
    page = client.get(product.get_absolute_url()).content.decode()
    assert re.findall(r'data-block="([\w-]+)"', page) == ["similar"]
    assert [int(pk) for pk in re.findall(r'data-product-id="(\d+)"', page)] == near[:5]


# Cart


def add_to_cart(client: Client, *products: Product) -> None:
    for product in products:
        client.post("/cart/add/", {"variant": product.variants.get().pk})


def test_the_cart_shows_complements_and_no_similar_items(client: Client) -> None:
    shirt = make_lookalike(1, 0, **MAN)
    make_lookalike(1, 0.05, **MAN)
    trousers = make_lookalike(1, 0.5, category=jeans(), **MAN)
    others = make_accessories()
    add_to_cart(client, shirt)
    assert ids_in_row(client, "/cart/", "cart") == [trousers.pk, *others]
    add_to_cart(client, trousers)
    make_lookalike(1, 0.1, category=jeans(), **MAN)
    assert ids_in_row(client, "/cart/", "cart") == others


def test_an_empty_cart_has_no_complements(client: Client) -> None:
    make_lookalike(1, 0, **MAN)
    assert ids_in_row(client, "/cart/", "cart") == []


def test_the_cart_adds_two_queries(client: Client, django_assert_num_queries: Any) -> None:
    lipstick = make_lookalike(1, 0, category=make_category("Personal Care", "Lips"), **MAN)
    shirt = make_lookalike(1, 0, **MAN)
    make_lookalike(1, 0.5, category=jeans(), **MAN)
    add_to_cart(client, lipstick)
    client.get("/cart/")
    with django_assert_num_queries(7):
        client.get("/cart/")
    add_to_cart(client, shirt)
    client.get("/cart/")
    with django_assert_num_queries(9):
        client.get("/cart/")
