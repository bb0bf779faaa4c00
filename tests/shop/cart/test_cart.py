from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from shop.accounts.tasks import clear_sessions
from shop.cart.forms import QuantityForm
from shop.cart.models import Cart, CartLine
from shop.cart.tasks import delete_orphaned_carts
from shop.catalogue.models import Product, Variant
from shop.orders.checkout import CheckoutError, place_order
from shop.orders.models import ShippingMethod
from tests.factories import make_product, make_stored_image, make_variant

pytestmark = pytest.mark.django_db
CART, ADD = reverse("cart:cart"), reverse("cart:add")


def variant_of(**values: object) -> Variant:
    return make_product(**values).variants.get()


def put(client: Client, variant: Variant, quantity: int = 1) -> str:
    """Add to the cart and return the page that follows."""
    values = {"variant": variant.pk, "quantity": quantity, "product": variant.product.slug}
    return client.post(ADD, values, follow=True).content.decode()


def quantities() -> list[int]:
    return list(CartLine.objects.order_by("pk").values_list("quantity", flat=True))


def test_a_guests_cart_persists_between_requests(client: Client) -> None:
    shirt = variant_of(name="Blue Shirt", price="20.00")
    assert "“Blue Shirt” was added to your cart." in put(client, shirt, 2)
    put(client, shirt)
    page = client.get(CART).content.decode()
    assert "€60.00" in page
    assert quantities() == [3]


def test_an_empty_cart_says_so_and_stores_nothing(client: Client) -> None:
    assert "Your cart is empty" in client.get(CART).content.decode()
    assert not Cart.objects.exists()


def test_a_quantity_above_the_stock_is_refused(client: Client) -> None:
    shirt = variant_of(name="Blue Shirt", stock=2)
    put(client, shirt, 2)
    assert "Only 2 left of “Blue Shirt”." in put(client, shirt)
    assert quantities() == [2]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stock": 0, "name": "Gone"}, "“Gone” is sold out."),
        ({"listed": False}, "This product is no longer available."),
    ],
)
def test_an_unavailable_variant_is_refused(client: Client, values: dict, message: str) -> None:
    values = {"variant": variant_of(**values).pk, "product": ""}
    assert message in client.post(ADD, values, follow=True).content.decode()
    assert quantities() == []


def test_a_size_must_be_chosen(client: Client) -> None:
    shirt = make_product()
    make_variant(shirt, size="M")
    response = client.post(ADD, {"product": shirt.slug}, follow=True)
    assert "Please select a size." in response.content.decode()
    assert response.redirect_chain == [(f"{shirt.get_absolute_url()}#buy", 302)]


@pytest.mark.parametrize("slug", ["//evil.example", "../../x", "https://evil.example"])
def test_the_redirect_never_leaves_the_shop(client: Client, slug: str) -> None:
    assert client.post(ADD, {"product": slug})["Location"] == "/"


def test_a_cart_holds_one_currency(client: Client) -> None:
    put(client, variant_of(currency="EUR"))
    assert "another currency" in put(client, variant_of(currency="USD"))
    assert quantities() == [1]


def test_lines_in_different_currencies_are_not_summed(client: Client) -> None:
    for name in ("Kimono", "Shirt"):
        put(client, variant_of(name=name, price="20.00"))
    Product.objects.filter(name="Kimono").update(currency="JPY", price=5000)
    page = client.get(CART).content.decode()
    assert "Your cart contains items in several currencies." in page
    assert ("¥5,000" in page, "€20.00" in page) == (True, True)
    assert ('href="/checkout/"' in page, "5,020" in page) == (False, False)
    for send in (client.get, client.post):
        assert send(reverse("orders:checkout")).headers["Location"] == CART
    cart, method = Cart.objects.get(), ShippingMethod.objects.create(name="Tomorrow", price=5)
    with pytest.raises(CheckoutError, match="contains items in several currencies"):
        place_order(
            cart, key="k", method=method, voucher=None, payment="invoice", user=None, contact={}
        )
    line = CartLine.objects.get(variant__product__currency="JPY")
    client.post(reverse("cart:line", args=[line.pk]), {"quantity": 0})
    page = client.get(CART).content.decode()
    assert ('href="/checkout/"' in page, "several currencies" in page) == (True, False)


def test_a_guests_cart_in_another_currency_is_kept_at_sign_in(client: Client) -> None:
    user = User.objects.create_user("alice", password="secret")
    mine = Cart.objects.create(user=user)
    mine.lines.create(variant=variant_of(currency="EUR"), quantity=1)
    put(client, variant_of(currency="USD"), 2)
    client.login(username="alice", password="secret")
    assert quantities() == [1, 2]
    assert "Your cart contains items in several currencies." in client.get(CART).content.decode()


def test_a_line_is_changed_removed_and_restored(client: Client) -> None:
    shirt = variant_of(name="Blue <Shirt>", stock=5)
    put(client, shirt)
    line = reverse("cart:line", args=[CartLine.objects.get().pk])
    client.post(line, {"quantity": 4})
    assert quantities() == [4]
    assert "Only 5 left of" in client.post(line, {"quantity": 6}, follow=True).content.decode()
    assert "whole number" in client.post(line, {"quantity": "x"}, follow=True).content.decode()
    assert quantities() == [4]
    page = client.post(line, {"quantity": 0}, follow=True).content.decode()
    assert quantities() == []
    assert "“Blue &lt;Shirt&gt;” was removed." in page
    assert 'name="quantity" value="4"' in page
    put(client, shirt, 4)
    assert quantities() == [4]


def test_a_line_removed_in_another_tab_is_not_found(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(client, variant_of())
    line = CartLine.objects.get()
    is_valid = QuantityForm.is_valid

    def late(form: QuantityForm) -> bool:
        CartLine.objects.all().delete()
        return is_valid(form)

    monkeypatch.setattr(QuantityForm, "is_valid", late)
    response = client.post(reverse("cart:line", args=[line.pk]), {"quantity": 2})
    assert response.status_code == 404
    assert quantities() == []


def test_another_visitors_cart_cannot_be_changed(client: Client) -> None:
    put(client, variant_of(), 2)
    line = CartLine.objects.get()
    stranger = Client()
    put(stranger, variant_of())
    response = stranger.post(reverse("cart:line", args=[line.pk]), {"quantity": 0})
    assert response.status_code == 404
    assert CartLine.objects.get(pk=line.pk).quantity == 2


def test_a_guests_cart_is_merged_at_sign_in(client: Client) -> None:
    user = User.objects.create_user("alice", password="secret")
    shirt, skirt = variant_of(), variant_of()
    mine = Cart.objects.create(user=user)
    mine.lines.create(variant=shirt, quantity=1)
    put(client, shirt, 2)
    put(client, skirt, 1)
    client.login(username="alice", password="secret")
    assert sorted((line.variant_id, line.quantity) for line in mine.lines.all()) == sorted(
        [(shirt.pk, 3), (skirt.pk, 1)]
    )
    assert Cart.objects.get() == mine


def test_a_line_that_sold_out_in_the_meantime_says_so(client: Client) -> None:
    put(client, variant_of(), 2)
    Variant.objects.update(stock=1)
    assert "Only 1 left. Change the quantity." in client.get(CART).content.decode()
    Product.objects.update(listed=False)
    assert "Sold out. Remove it to check out." in client.get(CART).content.decode()


def test_adding_to_a_large_cart_takes_as_many_queries(
    client: Client, django_assert_num_queries: object
) -> None:
    for _ in range(10):
        variant = variant_of()
        make_stored_image(variant.product)
        put(client, variant)
    # Session, cart, lines, pictures, what goes with them, delivery, cart, count.
    with django_assert_num_queries(9):
        assert client.get(CART).status_code == 200


def test_a_cart_takes_a_constant_number_of_queries(
    client: Client, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    for _number in range(10):
        put(client, variant_of())
    # Session, cart, lines, pictures, what goes with them, delivery, cart, count.
    with django_assert_num_queries(9):
        assert client.get(CART).content.decode().count("cart-line") > 10


def test_orphaned_guest_carts_are_deleted() -> None:
    guests = [Client() for _guest in range(3)]
    for guest in guests:
        put(guest, variant_of(), 2)
    here, _gone, new = Cart.objects.order_by("pk")
    alice = Cart.objects.create(user=User.objects.create_user("alice"))
    old = timezone.now() - timedelta(days=2)
    Cart.objects.exclude(pk=new.pk).update(created=old)
    names = [guest.session.session_key for guest in guests]
    Session.objects.filter(pk__in=names[1:]).update(expire_date=old)
    delete_orphaned_carts()
    assert list(Cart.objects.order_by("pk")) == [here, new, alice]
    assert CartLine.objects.count() == 2
    clear_sessions()
    assert list(Session.objects.values_list("pk", flat=True)) == names[:1]
    assert [line.quantity for line in guests[0].get(CART).context["lines"]] == [2]


def test_htmx_gets_a_panel_with_the_added_item_and_the_new_count(client: Client) -> None:
    put(client, variant_of(name="Old Hat", price="5.00"), 2)
    shirt = variant_of(name="Blue Shirt", price="20.00")
    values = {"variant": shirt.pk, "product": shirt.product.slug}
    response = client.post(ADD, values, headers={"HX-Request": "true"})
    panel = response.content.decode()
    assert response.status_code == 200
    assert ("Blue Shirt" in panel, "Old Hat" in panel, "€30.00" in panel) == (True, False, True)
    assert "Subtotal (3 items)" in panel
    assert re.search(r'id="cart-link"[^>]*hx-swap-oob="true".*badge-count">3<', panel, re.DOTALL)
    assert quantities() == [2, 1]


def test_htmx_gets_the_refusal_beside_the_sizes(client: Client) -> None:
    gone = variant_of(name="<Gone>", stock=0)
    for values, words in (
        ({"product": gone.product.slug}, "Please select a size."),
        ({"variant": gone.pk}, "“&lt;Gone&gt;” is sold out."),
    ):
        response = client.post(ADD, values, headers={"HX-Request": "true"})
        assert (response.status_code, response["HX-Retarget"]) == (422, "#buy-error")
        assert response.content.decode() == words
    assert quantities() == []


def test_a_refusal_is_shown_once_beside_the_sizes(client: Client) -> None:
    shirt = make_product()
    make_variant(shirt, size="M")
    page = client.post(ADD, {"product": shirt.slug}, follow=True).content.decode()
    assert re.search(r'id="buy-error"[^>]*>\s*Please select a size\.\s*<', page)
    assert page.count("Please select a size.") == 1


@pytest.mark.parametrize(
    ("quantity", "step", "expected"),
    [("2", "1", [3]), ("2", "-1", [1]), ("1", "-1", []), ("4", "", [4]), ("2", "7", [2])],
)
def test_a_step_changes_the_quantity_by_one(
    client: Client, quantity: str, step: str, expected: list[int]
) -> None:
    put(client, variant_of(), 2)
    line = reverse("cart:line", args=[CartLine.objects.get().pk])
    client.post(line, {"quantity": quantity, "step": step})
    assert quantities() == expected


def test_an_unlisted_product_stays_in_the_cart_as_unavailable(client: Client) -> None:
    coat = variant_of(name="Coat", price="20.00")
    put(client, coat)
    Product.objects.update(listed=False, price=None)
    page = client.get(CART)
    assert page.status_code == 200
    assert "Coat" in page.content.decode()
    (line,) = CartLine.objects.select_related("variant__product")
    assert (line.available, line.total, line.variant.unit_price) == (0, 0, None)
