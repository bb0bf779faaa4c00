from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from shop.cart.models import Cart
from shop.catalogue.models import Product, Variant
from shop.orders.checkout import CheckoutError
from shop.orders.models import Order, ShippingMethod, Voucher
from tests.factories import make_product
from tests.shop.orders.checkouts import CHECKOUT, buy, checkout_data, fill_cart


@pytest.mark.django_db
def test_a_guest_places_an_order(client: Client, method: ShippingMethod) -> None:
    shirt = fill_cart(client, 2, name="Blue Shirt", price=Decimal("20.00"), stock=5)
    assert "€44.95" in client.get(CHECKOUT).content.decode()
    response = client.post(CHECKOUT, checkout_data(method))
    order = Order.objects.get()
    assert response["Location"] == order.get_absolute_url()
    assert (order.goods, order.shipping, order.total) == (
        Decimal(40),
        Decimal("4.95"),
        Decimal("44.95"),
    )
    assert order.tax == Decimal("7.49")  # 20 % included in 44.95
    line = order.lines.get()
    assert (line.sku, line.name, line.unit_price, line.quantity) == (shirt.sku, "Blue Shirt", 20, 2)
    assert Product.objects.get().stock == 3
    assert not Cart.objects.get().lines.exists()
    page = client.get(order.get_absolute_url()).content.decode()
    assert "Please confirm your order" in page
    assert "€44.95" in page
    assert "Invoice" in client.get(reverse("orders:invoice", args=[order.token])).content.decode()
    sent = mail.outbox[0]
    assert sent.to == ["alice@example.com"]
    assert sent.subject == f"Please confirm your order {order.number}"
    assert order.get_absolute_url() in sent.body
    html = str(sent.alternatives[0].content)
    assert "Blue Shirt" in html
    assert order.get_absolute_url() in html


@pytest.mark.django_db
def test_the_order_keeps_the_price_that_was_paid(client: Client, method: ShippingMethod) -> None:
    fill_cart(client, price=Decimal("20.00"))
    client.post(CHECKOUT, checkout_data(method))
    Product.objects.update(price=Decimal(99), name="Renamed")
    Product.objects.get().delete()
    order = Order.objects.get()
    assert (order.lines.get().unit_price, order.total) == (Decimal(20), Decimal("24.95"))
    assert client.get(order.get_absolute_url()).status_code == 200


@pytest.mark.django_db
def test_missing_fields_are_named_and_nothing_is_sold(
    client: Client, method: ShippingMethod
) -> None:
    fill_cart(client, stock=5)
    response = client.post(CHECKOUT, checkout_data(method, email="nobody", city=""))
    page = response.content.decode()
    assert response.status_code == 422
    assert "Enter a valid email address." in page
    assert "This field is required." in page
    assert 'value="1 High Street"' in page
    assert (Order.objects.count(), Product.objects.get().stock) == (0, 5)


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", ["9" * 4301, "9" * 30, "²", "x", "-1"])
def test_an_inactive_shipping_method_is_refused(
    client: Client, method: ShippingMethod, wrong: str
) -> None:
    fill_cart(client, stock=5)
    response = client.post(CHECKOUT, checkout_data(method) | {"method": wrong})
    assert response.status_code == 422
    assert "Select a valid choice." in response.content.decode()
    assert client.get(CHECKOUT, {"method": wrong[:3000]}).status_code == 200
    assert (Order.objects.count(), Product.objects.get().stock) == (0, 5)


@pytest.mark.django_db
def test_a_sold_out_item_is_named_and_the_cart_is_kept(
    client: Client, method: ShippingMethod
) -> None:
    fill_cart(client, 2, name="Blue Shirt", stock=5)
    Variant.objects.update(stock=1)
    page = client.post(CHECKOUT, checkout_data(method)).content.decode()
    assert "Only 1 left of “Blue Shirt”." in page
    assert (Order.objects.count(), Product.objects.get().stock) == (0, 1)
    assert Cart.objects.get().count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("price", "quantity"), [("2000000.00", 50), ("99999999.99", 1), ("99999999.99", 99)]
)
def test_an_order_that_is_too_large_is_refused(
    client: Client, method: ShippingMethod, price: str, quantity: int
) -> None:
    ShippingMethod.objects.update(free_from=None)
    Voucher.objects.create(code="TEN", kind="amount", value=1)
    fill_cart(client, quantity, price=Decimal(price), stock=quantity, currency="IDR")
    response = client.post(CHECKOUT, checkout_data(method, code="TEN"))
    assert response.status_code == 422
    assert "This order is too large to place online. Please contact us." in (
        response.content.decode()
    )
    assert (Order.objects.count(), Product.objects.get().stock) == (0, quantity)
    assert (Cart.objects.get().count(), Voucher.objects.get().used) == (quantity, 0)


@pytest.mark.django_db
def test_the_largest_order_is_placed(client: Client, method: ShippingMethod) -> None:
    ShippingMethod.objects.update(price=0)
    fill_cart(client, price=Decimal("99999999.99"))
    client.post(CHECKOUT, checkout_data(method))
    assert Order.objects.get().total == Decimal("99999999.99")


@pytest.mark.django_db
def test_an_empty_cart_has_no_checkout(client: Client) -> None:
    assert client.get(CHECKOUT)["Location"] == reverse("cart:cart")


@pytest.mark.django_db
def test_a_voucher_reduces_the_total_and_is_counted(client: Client, method: ShippingMethod) -> None:
    Voucher.objects.create(code="ten", kind="percentage", value=10, limit=1)
    fill_cart(client, 4, price=Decimal("20.00"))
    client.post(reverse("orders:voucher"), {"code": " ten "})
    page = client.get(CHECKOUT).content.decode()
    assert "−€8.00" in page
    assert "€72.00" in page
    assert "free" in page
    client.post(CHECKOUT, checkout_data(method, code="TEN", total="72.00"))
    order = Order.objects.get()
    assert (order.discount, order.total, order.voucher_code) == (8, 72, "TEN")
    assert Voucher.objects.get().used == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"minimum": 50}, "Spend €50.00 or more to use this voucher."),
        ({"limit": 0}, "This voucher is no longer available."),
        ({"ends": timezone.now() - timedelta(days=1)}, "This voucher has expired."),
        ({"starts": timezone.now() + timedelta(days=1)}, "This voucher is not valid yet."),
    ],
)
def test_an_unusable_voucher_says_why_and_gives_no_discount(
    client: Client, method: ShippingMethod, values: dict[str, Any], message: str
) -> None:
    Voucher.objects.create(code="FIVE", kind="amount", value=5, **values)
    fill_cart(client, price=Decimal("20.00"))
    client.post(reverse("orders:voucher"), {"code": "FIVE"})
    assert message in client.get(CHECKOUT).content.decode()
    refused = client.post(CHECKOUT, checkout_data(method, code="FIVE"))
    assert (refused.status_code, message in refused.content.decode()) == (422, True)
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_a_discount_never_exceeds_the_subtotal(method: ShippingMethod) -> None:
    voucher = Voucher.objects.create(code="BIG", kind="amount", value=500)
    assert voucher.discount(Decimal("20.00")) == Decimal("20.00")


@pytest.mark.django_db
def test_an_order_is_found_by_its_secret_link_only(client: Client, method: ShippingMethod) -> None:
    fill_cart(client)
    client.post(CHECKOUT, checkout_data(method))
    order = Order.objects.get()
    for guess in (str(order.pk), order.number, order.token[:-1]):
        assert client.get(f"/orders/{guess}/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_fifty_buyers_of_ten_pieces_make_ten_orders(method: ShippingMethod) -> None:
    shirt = make_product(stock=10).variants.get()
    carts = []
    for _ in range(50):
        carts.append(Cart.objects.create())
        carts[-1].lines.create(variant=shirt, quantity=1)
    start = Barrier(50)

    def run(cart: Cart) -> str:
        start.wait()
        try:
            return buy(cart, method, f"k{cart.pk}").state
        except CheckoutError as error:
            return str(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(run, carts))
    refusal = f"“{shirt.product.name}” is sold out. Please remove it from your cart."
    assert sorted(set(results)) == sorted({"placed", refusal})
    assert (results.count("placed"), Order.objects.count()) == (10, 10)
    assert Product.objects.get().stock == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_identical_submissions_make_one_order(method: ShippingMethod) -> None:
    shirt = make_product(stock=100).variants.get()
    cart = Cart.objects.create()
    cart.lines.create(variant=shirt, quantity=2)
    start = Barrier(20)

    def run(_number: int) -> int:
        start.wait()
        try:
            return buy(cart, method, "same").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        orders = set(pool.map(run, range(20)))
    assert orders == {Order.objects.get().pk}
    assert Product.objects.get().stock == 98


@pytest.mark.django_db(transaction=True)
def test_buyers_of_the_same_products_in_another_order_never_deadlock(
    method: ShippingMethod,
) -> None:
    variants = [make_product(stock=1000).variants.get() for _ in range(4)]
    carts = []
    for number in range(24):
        carts.append(Cart.objects.create())
        for variant in variants if number % 2 else reversed(variants):
            carts[-1].lines.create(variant=variant, quantity=1)
    start = Barrier(24)

    def run(cart: Cart) -> str:
        start.wait()
        try:
            return buy(cart, method, f"k{cart.pk}").state
        finally:
            connection.close()

    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(run, carts)) == ["placed"] * 24
    assert set(Product.objects.values_list("stock", flat=True)) == {976}
