from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client

from shop.cart.models import Cart, CartLine
from shop.catalogue.merging import MergeError, merge
from shop.catalogue.models import Product, ProductImage, StockAdjustment, Variant
from shop.orders.checkout import place_order
from shop.orders.models import Order, OrderLine, ShippingMethod
from shop.orders.states import transition
from shop.wishlist.models import SavedProduct, StockAlert
from tests.factories import make_customer, make_image, make_product, make_variant
from tests.shop.orders.checkouts import CONTACT

pytestmark = pytest.mark.django_db


@pytest.fixture
def two() -> tuple[Product, Product]:
    """The same shirt twice: A in M and L, B in M and S."""
    one, other = make_product(name="A", stock=0), make_product(name="B", stock=0)
    Variant.objects.all().delete()
    for product, size, stock in ((one, "M", 3), (one, "L", 1), (other, "M", 4), (other, "S", 2)):
        make_variant(product, sku=f"{product.name}-{size}", size=size, stock=stock)
    return one, other


def sku(name: str) -> Variant:
    return Variant.objects.get(sku=name)


def stocks(product: Product) -> tuple[dict[str, int], int]:
    product.refresh_from_db()
    rows = product.variants.values_list("sku", "stock")
    return dict(rows), product.stock


def everything() -> dict[str, list[Any]]:
    """Every row of the shop."""
    models = [m for m in apps.get_models() if m.__module__.startswith(("shop.", "recommender."))]
    return {m._meta.label: list(m._base_manager.order_by("pk").values_list()) for m in models}


def order_of(variant: Variant, quantity: int = 1) -> Order:
    method, _new = ShippingMethod.objects.get_or_create(name="Standard", defaults={"price": 5})
    cart = Cart.objects.create()
    cart.lines.create(variant=variant, quantity=quantity)
    return place_order(
        cart, key=f"o{cart.pk}", method=method, voucher=None, payment="invoice", user=None,
        contact=CONTACT,
    )  # fmt: skip


def test_variants_move_and_equal_sizes_are_combined(two: tuple[Product, Product]) -> None:
    one, other = two
    assert merge(one.pk, [other.pk]) == [
        "1 variant", "1 variant in a size it already has", "6 units in stock"
    ]  # fmt: skip
    assert stocks(one) == ({"A-M": 7, "A-L": 1, "B-S": 2}, 10)
    assert stocks(other) == ({"B-M": 0}, 0)
    assert (other.listed, other.merged_into) == (False, one)
    assert [v.sku for v in one.variants.all()] == ["A-M", "A-L", "B-S"]


def test_a_moved_variant_keeps_its_price(two: tuple[Product, Product]) -> None:
    one, other = two
    Product.objects.filter(pk=other.pk).update(price="25.00")
    Variant.objects.filter(sku="B-M").update(price="20.00")
    merge(one.pk, [other.pk])
    prices = {v.sku: (v.price, v.unit_price) for v in one.variants.all()}
    assert prices == {
        "A-M": (None, Decimal("20.00")),
        "A-L": (None, Decimal("20.00")),
        "B-S": (Decimal("25.00"), Decimal("25.00")),
    }


def test_variants_of_two_merged_products_may_share_a_size() -> None:
    one, two, three = (make_product(stock=0) for _n in range(3))
    for product in (two, three):
        make_variant(product, size="S", stock=product.pk - one.pk)
    merge(one.pk, [two.pk, three.pk])
    one.refresh_from_db()
    assert [(v.size, v.stock) for v in one.variants.all()] == [("", 0), ("S", 3)]
    assert one.stock == 3


def test_pictures_are_appended_without_duplicate_files(two: tuple[Product, Product]) -> None:
    one, other = two
    own = make_image(one, file="a.jpg", position=2)
    make_image(other, file="a.jpg")
    new = make_image(other, file="b.jpg")
    assert merge(one.pk, [other.pk])[-1] == "1 image"
    assert [(i.pk, i.position) for i in one.images.all()] == [(own.pk, 2), (new.pk, 3)]


def test_cart_lines_are_moved_and_limited_to_99(two: tuple[Product, Product]) -> None:
    one, other = two
    both, only, full = (Cart.objects.create() for _n in range(3))
    for cart, name, quantity in (
        (both, "A-M", 1), (both, "B-M", 2), (only, "B-M", 4), (only, "B-S", 1), (full, "A-M", 98),
        (full, "B-M", 5),
    ):  # fmt: skip
        cart.lines.create(variant=sku(name), quantity=quantity)
    assert merge(one.pk, [other.pk])[-1] == "3 items in carts"
    rows = CartLine.objects.order_by("cart", "variant__sku")
    assert list(rows.values_list("cart", "variant__sku", "quantity")) == [
        (both.pk, "A-M", 3), (only.pk, "A-M", 4), (only.pk, "B-S", 1), (full.pk, "A-M", 99)
    ]  # fmt: skip


def test_orders_keep_their_text_and_return_stock_to_the_survivor(
    two: tuple[Product, Product],
) -> None:
    one, other = two
    order = order_of(sku("B-M"), 3)
    before = OrderLine.objects.values("sku", "name", "unit_price", "quantity").get()
    assert merge(one.pk, [other.pk])[-1] == "1 order item"
    assert OrderLine.objects.values("sku", "name", "unit_price", "quantity").get() == before
    assert before["sku"] == "B-M"
    transition(order, Order.State.CANCELLED)
    assert stocks(one) == ({"A-M": 7, "A-L": 1, "B-S": 2}, 10)


def test_saved_items_and_alerts_are_not_duplicated(two: tuple[Product, Product]) -> None:
    one, other = two
    alice, bob = make_customer("alice@example.com"), make_customer("bob@example.com")
    for user, product in ((alice, one), (alice, other), (bob, other)):
        SavedProduct.objects.create(user=user, product=product)
    for email, name in (("a@b.example", "A-M"), ("a@b.example", "B-M"), ("c@d.example", "B-M")):
        StockAlert.objects.create(variant=sku(name), email=email, language="en")
    assert merge(one.pk, [other.pk])[-2:] == ["2 wishlist items", "2 back-in-stock alerts"]
    rows = SavedProduct.objects.order_by("pk").values_list("user", "product")
    assert list(rows) == [(alice.pk, one.pk), (bob.pk, one.pk)]
    alerts = StockAlert.objects.order_by("pk").values_list("email", "variant__sku")
    assert list(alerts) == [("a@b.example", "A-M"), ("c@d.example", "A-M")]


def test_stock_adjustments_stay_with_their_sku(two: tuple[Product, Product]) -> None:
    StockAdjustment.objects.create(variant=sku("B-M"), change=4, reason="delivery")
    merge(two[0].pk, [two[1].pk])
    assert StockAdjustment.objects.get().variant.sku == "B-M"


def test_the_url_of_a_merged_product_redirects_permanently(
    two: tuple[Product, Product], client: Client
) -> None:
    one, other = two
    third = make_product(name="C")
    merge(other.pk, [third.pk])
    merge(one.pk, [other.pk])
    for gone in (other, third):
        response = client.get(gone.get_absolute_url())
        assert (response.status_code, response["Location"]) == (301, one.get_absolute_url())
    Product.objects.filter(pk=one.pk).update(listed=False)
    assert client.get(other.get_absolute_url()).status_code == 404


def test_a_guest_finds_saved_and_viewed_products_after_a_merge(
    two: tuple[Product, Product], client: Client
) -> None:
    one, other = two
    client.post(f"/saved/{other.pk}/")
    client.get("/recently-viewed/", {"product": other.pk})
    merge(one.pk, [other.pk])
    for page in ("/saved/", "/recently-viewed/"):
        assert one.get_absolute_url() in client.get(page).content.decode()
    alice = make_customer("alice@example.com", password="correct-horse-7")
    client.post("/account/login/", {"login": alice.email, "password": "correct-horse-7"})
    assert SavedProduct.objects.get(user=alice).product == one


def test_a_dry_run_reports_the_same_and_changes_nothing(two: tuple[Product, Product]) -> None:
    one, other = two
    order_of(sku("B-M"))
    make_image(other)
    before = everything()
    moved = merge(one.pk, [other.pk], dry_run=True)
    assert everything() == before
    assert merge(one.pk, [other.pk]) == moved


def _no_currency(one: Product, other: Product) -> None:
    Product.objects.filter(pk=other.pk).update(currency="USD")


def _another_price(one: Product, other: Product) -> None:
    Variant.objects.filter(sku="B-M").update(price="21.00")


def _countless(one: Product, other: Product) -> None:
    Variant.objects.filter(size="L").update(stock=1_000_000_000 - 8)


def _hidden(one: Product, other: Product) -> None:
    Product.objects.filter(pk=one.pk).update(listed=False)


def _merged(one: Product, other: Product) -> None:
    merge(make_product().pk, [other.pk])


def _gone(one: Product, other: Product) -> None:
    other.variants.all().delete()
    Product.objects.filter(pk=other.pk).delete()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_currency, "“A” and “B” are sold in different currencies."),
        (_another_price, "“A (M)” costs 20.00 and “B (M)” 21.00. Give both the same price first."),
        (_countless, "The total stock of all variants must not exceed 1,000,000,000."),
        (_hidden, "“A” is hidden. List it first, or choose another product to keep."),
        (_merged, "One of the products has been deleted or merged. Reload the page and try again."),
        (_gone, "One of the products has been deleted or merged. Reload the page and try again."),
    ],
)
def test_a_refused_merge_changes_nothing(
    two: tuple[Product, Product], spoil: Any, message: str
) -> None:
    one, other = two
    spoil(one, other)
    before = everything()
    with pytest.raises(MergeError) as refusal:
        merge(one.pk, [other.pk])
    assert str(refusal.value) == message
    assert everything() == before


def test_a_single_product_is_not_merged(two: tuple[Product, Product]) -> None:
    before = everything()
    with pytest.raises(MergeError, match="Choose at least one other product"):
        merge(two[0].pk, [two[0].pk])
    assert everything() == before


def test_staff_do_not_see_merged_products(
    two: tuple[Product, Product], admin_client: Client
) -> None:
    one, other = two
    merge(one.pk, [other.pk])
    with pytest.raises(IntegrityError), transaction.atomic():
        Product.objects.filter(pk=other.pk).update(listed=True)
    assert admin_client.get(f"/admin/catalogue/product/{other.pk}/change/").status_code == 302
    page = admin_client.get("/admin/catalogue/variant/").content.decode()
    assert "A-M" in page
    assert "B-M" not in page


def test_the_api_does_not_change_a_merged_product(
    two: tuple[Product, Product], admin_client: Client
) -> None:
    one, other = two
    merge(one.pk, [other.pk])
    api, kind = "/api/v1/staff", "application/json"
    rows = admin_client.get(f"{api}/products/").json()["results"]
    assert [row["id"] for row in rows] == [one.pk]
    before = everything()
    answers = [
        admin_client.get(f"{api}/products/{other.pk}/"),
        admin_client.patch(f"{api}/products/{other.pk}/", {"listed": True}, kind),
        admin_client.patch(f"{api}/variants/B-M/stock/", {"stock": 3}, kind),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_a_sale_during_a_merge_counts_once(two: tuple[Product, Product]) -> None:
    """Sales of both products and merges to and fro, at once: none fails, no piece is lost."""
    one, other = two
    ShippingMethod.objects.update_or_create(name="Standard", defaults={"price": 5})
    sold: list[int] = []
    failures: list[BaseException] = []

    def sell() -> None:
        try:
            for name in ("A-M", "B-M", "A-L", "B-S"):
                try:
                    order_of(sku(name))
                    sold.append(1)
                except ValueError:
                    pass  # merged away at this moment: sold out, nothing has changed
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    def mergers() -> Iterator[threading.Thread]:
        yield threading.Thread(target=_quietly, args=(failures, one.pk, other.pk))

    threads = [*(threading.Thread(target=sell) for _n in range(3)), *mergers()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    one.refresh_from_db()
    other.refresh_from_db()
    assert one.stock + len(sold) == 10
    assert (other.stock, other.merged_into_id) == (0, one.pk)
    assert OrderLine.objects.filter(variant__product=one).count() == len(sold)
    assert ProductImage.objects.count() == 0


def _quietly(failures: list[BaseException], survivor: int, other: int) -> None:
    try:
        merge(survivor, [other])
    except BaseException as error:
        failures.append(error)
    finally:
        connection.close()


def test_a_product_without_a_price_gets_the_survivors() -> None:
    survivor, other = make_product(price=30), make_product(price=None, listed=False)
    Variant.objects.update(size="M")
    make_variant(other, sku="L", size="L", stock=2)
    merge(survivor.pk, [other.pk])
    assert (sku("L").product_id, sku("L").price, sku("L").unit_price) == (survivor.pk, None, 30)
    assert sum(stocks(survivor)[0].values()) == 22
