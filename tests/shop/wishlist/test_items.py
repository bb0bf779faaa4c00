"""Prices and stock on the wishlist, and sharing it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from shop.cart.models import CartLine
from shop.catalogue.models import Product, Variant
from shop.wishlist.models import SavedProduct, SharedWishlist
from tests.factories import make_customer, make_product, make_variant
from tests.html import one_line

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["guest", "customer"])
def shopper(request: pytest.FixtureRequest, client: Client) -> Client:
    if request.param == "customer":
        client.force_login(make_customer("alice@example.com"))
    return client


def _page(client: Client, path: str = "/saved/") -> str:
    return one_line(client.get(path).content.decode())


def _count(page: str) -> list[str]:
    link = page.split('id="wishlist-link"')[1].split("</a>")[0]
    return [part.split("<")[0] for part in link.split('class="badge-count">')[1:]]


def test_the_header_counts_saved_products(shopper: Client) -> None:
    first, second = make_product(), make_product()
    assert _count(_page(shopper, "/cart/")) == []
    for product in (first, second):
        answer = shopper.post(f"/saved/{product.pk}/", headers={"HX-Request": "true"})
    text = one_line(answer.content.decode())
    assert 'hx-swap-oob="true"' in text
    assert _count(text) == ["2"]
    assert _count(_page(shopper, "/cart/")) == ["2"]


def test_unlisted_products_are_not_counted(shopper: Client) -> None:
    gone, kept = make_product(), make_product()
    for product in (gone, kept):
        shopper.post(f"/saved/{product.pk}/")
    Product.objects.filter(pk=gone.pk).update(listed=False)
    _page(shopper)
    assert _count(_page(shopper)) == ["1"]


def test_a_lower_price_than_when_it_was_added_is_shown(shopper: Client) -> None:
    product = make_product(price=Decimal(30))
    shopper.post(f"/saved/{product.pk}/")
    assert "Price drop" not in _page(shopper)
    Product.objects.update(price=Decimal("24.90"))
    assert "Price drop: it was €30.00 when you added it." in _page(shopper)
    Product.objects.update(price=Decimal(35))
    assert "Price drop" not in _page(shopper)
    Product.objects.update(price=Decimal(20), currency="USD")
    assert "Price drop" not in _page(shopper)


def test_products_saved_without_a_price_show_no_price_drop(client: Client) -> None:
    alice = make_customer("alice@example.com")
    old, stored = make_product(), make_product()
    SavedProduct.objects.create(user=alice, product=old)
    session = client.session
    session["saved"] = [stored.pk]
    session.save()
    for count in (1, 2):  # as a guest, then as a customer
        page = _page(client)
        assert (page.count('class="wish"'), "Price drop" in page) == (count, False)
        client.force_login(alice)


def test_a_restocked_product_is_shown_as_back_in_stock(shopper: Client) -> None:
    added, seen = make_product(stock=0), make_product()
    for product in (added, seen):
        shopper.post(f"/saved/{product.pk}/")
    Variant.objects.update(stock=0)
    assert "Back in stock" not in _page(shopper)
    Variant.objects.update(stock=5)
    assert _page(shopper).count("Back in stock") == 2


def test_price_and_stock_survive_signing_in(client: Client) -> None:
    alice = make_customer("alice@example.com", "correct-horse-7")
    product = make_product(price=Decimal(30), stock=0)
    client.post(f"/saved/{product.pk}/")
    client.post("/account/login/", {"login": alice.email, "password": "correct-horse-7"})
    saved = SavedProduct.objects.get(user=alice)
    assert (saved.price, saved.currency, saved.sold_out) == (Decimal(30), "EUR", True)


def test_a_size_is_chosen_on_the_wishlist_and_added_to_the_cart(shopper: Client) -> None:
    product = make_product(name="Shirt", stock=0)
    product.variants.update(size="S")
    medium = make_variant(product, size="M")
    shopper.post(f"/saved/{product.pk}/")
    page = _page(shopper)
    assert 'aria-label="Size of Shirt"' in page
    assert "S – Sold out" in page
    sent = {"product": product.slug, "variant": medium.pk}
    shopper.post("/cart/add/", sent)
    line = CartLine.objects.get()
    assert (line.variant, line.quantity) == (medium, 1)


def test_a_wishlist_takes_a_constant_number_of_queries(
    shopper: Client, django_assert_max_num_queries: Any
) -> None:
    counts = []
    for _round in range(2):
        for _number in range(3):
            shopper.post(f"/saved/{make_product().pk}/")
        _page(shopper)
        with django_assert_max_num_queries(30) as queries:
            _page(shopper)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_shared_wishlist_is_read_only_anonymous_and_not_indexed(client: Client) -> None:
    alice = make_customer("alice@example.com")
    client.force_login(alice)
    client.post(f"/saved/{make_product(name='Blue Shirt').pk}/")
    client.post("/saved/share/")
    link = SharedWishlist.objects.get()
    path = f"/wishlists/{link.token}/"
    assert f'value="http://testserver{path}"' in _page(client)
    client.post("/saved/share/")
    assert SharedWishlist.objects.get() == link
    friend = Client()
    page = _page(friend, path)
    assert "Blue Shirt" in page
    assert 'content="noindex"' in page
    assert "alice" not in page
    assert _count(page) == []
    assert friend.post(path).status_code == 405
    assert SavedProduct.objects.count() == 1


def test_an_unshared_wishlist_gets_a_new_link_when_shared_again(client: Client) -> None:
    client.force_login(make_customer("alice@example.com"))
    client.post("/saved/share/")
    path = SharedWishlist.objects.get().get_absolute_url()
    assert "wishlist is empty" in _page(Client(), path)
    client.post("/saved/share/", {"end": "1"})
    assert Client().get(path).status_code == 404
    client.post("/saved/share/")
    assert Client().get(path).status_code == 404
    assert SharedWishlist.objects.get().get_absolute_url() != path


def test_a_guest_cannot_share_a_wishlist(client: Client) -> None:
    assert client.post("/saved/share/")["Location"].startswith("/account/login/")
    assert not SharedWishlist.objects.exists()


def test_price_and_link_are_exported_and_deleted_with_the_account(client: Client) -> None:
    alice = make_customer("alice@example.com")
    client.force_login(alice)
    client.post(f"/saved/{make_product().pk}/")
    client.post("/saved/share/")
    data = client.get("/account/export/").json()
    assert data["saved"][0]["price"] == "20.00 EUR"
    assert data["wishlist_links"][0]["path"] == SharedWishlist.objects.get().get_absolute_url()
    alice.delete()
    assert (SavedProduct.objects.count(), SharedWishlist.objects.count()) == (0, 0)
