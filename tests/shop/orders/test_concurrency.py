"""A checkout waits for simultaneous changes of the same rows, without deadlocks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from shop.cart.models import Cart, CartLine
from shop.catalogue.models import Product, Variant
from shop.orders.models import Order, ShippingMethod
from shop.orders.states import transition
from tests.factories import make_product, make_variant
from tests.forms import fields_of
from tests.locks import wait_until_a_lock_blocks
from tests.shop.orders.checkouts import CHECKOUT, buy, checkout_data

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], Any]


@pytest.fixture
def variants() -> list[Variant]:
    """Two sizes of one product, and a variant of another."""
    one = make_product(name="One", price=Decimal("20"), stock=9)
    large = make_variant(one, sku="L", size="L", stock=9)
    return [one.variants.exclude(pk=large.pk).get(), large, make_product(stock=9).variants.get()]


def buys(client: Client, method: ShippingMethod, variants: list[Variant], other: Work) -> str:
    """Check out while ``other`` pauses after its first change, until the checkout waits for it."""
    changed = Event()

    def slowly(execute: Any, sql: str, *arguments: Any) -> Any:
        result = execute(sql, *arguments)
        of_catalogue = sql.startswith(('UPDATE "catalogue_product', 'UPDATE "catalogue_variant'))
        if of_catalogue and not changed.is_set():
            changed.set()
            wait_until_a_lock_blocks()
        return result

    def beside() -> Any:
        try:
            with connection.execute_wrapper(slowly):
                return other()
        finally:
            connection.close()

    for variant in variants:
        client.post(reverse("cart:add"), {"variant": variant.pk, "quantity": 1})
    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(beside)
        assert changed.wait(60)
        response = client.post(CHECKOUT, checkout_data(method))
        doing.result(60)
    assert response.status_code == 302
    return str(Order.objects.latest("pk").total)


def test_checkout_waits_for_a_cancellation(
    client: Client, method: ShippingMethod, variants: list[Variant]
) -> None:
    cart = Cart.objects.create()
    for variant in variants[:2]:
        CartLine.objects.create(cart=cart, variant=variant, quantity=1)
    order = buy(cart, method)
    buys(client, method, variants[1:2], lambda: transition(order, Order.State.CANCELLED))
    assert [variant.stock for variant in Variant.objects.order_by("pk")] == [9, 8, 9]


def test_checkout_waits_for_a_product_saved_in_the_admin(
    client: Client, admin_client: Client, method: ShippingMethod, variants: list[Variant]
) -> None:
    address = reverse("admin:catalogue_product_change", args=[variants[0].product_id])
    values = fields_of(admin_client, address, "product_form")
    values |= {"price": "30.00", "variants-0-price": "40.00"}
    total = buys(client, method, variants[:1], lambda: _saved(admin_client, address, values))
    assert Product.objects.get(pk=variants[0].product_id).price == 30
    assert total in ("24.95", "44.95")  # who came first


def test_checkout_waits_for_a_list_saved_in_the_admin(
    client: Client, admin_client: Client, method: ShippingMethod, variants: list[Variant]
) -> None:
    address = reverse("admin:catalogue_product_changelist")
    values = fields_of(admin_client, address, "changelist-form")
    values |= {"form-0-price": "30.00", "form-1-price": "30.00", "_save": "Save"}
    buys(client, method, [variants[0], variants[2]], lambda: _saved(admin_client, address, values))
    assert {product.price for product in Product.objects.all()} == {30}


def _delete_lines(cart: Cart) -> None:
    cart.lines.all().delete()


def _delete_cart(cart: Cart) -> None:
    cart.delete()


def _change_currency(cart: Cart) -> None:
    Product.objects.filter(name="One").update(currency="USD")


@pytest.mark.parametrize("change", [_delete_lines, _delete_cart, _change_currency])
def test_a_cart_that_changes_during_checkout_is_shown_again(
    client: Client,
    method: ShippingMethod,
    variants: list[Variant],
    change: Callable[[Cart], None],
) -> None:
    for variant in (variants[0], variants[2]):
        client.post(reverse("cart:add"), {"variant": variant.pk, "quantity": 1})
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            cart = Cart.objects.select_for_update().get()
            checkout = pool.submit(_post_checkout, client, method)
            wait_until_a_lock_blocks()
            change(cart)
        assert checkout.result(60) == (302, reverse("cart:cart"))
    assert not Order.objects.exists()
    assert "Alice Doe" in client.session["contact"].values()


def _post_checkout(client: Client, method: ShippingMethod) -> tuple[int, str]:
    try:
        response = client.post(CHECKOUT, checkout_data(method))
        return response.status_code, response.headers.get("Location", "")
    finally:
        connection.close()


def _saved(client: Client, address: str, values: dict[str, str]) -> None:
    assert client.post(address, values).status_code == 302
