"""Staff delete products; orders remain."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test import Client

from shop.cart.models import Cart, CartLine
from shop.catalogue.models import Product, ProductImage, StockAdjustment
from shop.orders.models import OrderLine, ShippingMethod
from tests.factories import make_order, make_product, make_stored_image
from tests.locks import wait_until_a_lock_blocks
from tests.shop.orders.checkouts import buy

LIST = "/admin/catalogue/product/"


def _sold() -> Product:
    """Ordered once, with a picture and a stock that was adjusted; and in a cart."""
    variant = make_order().lines.get().variant
    assert variant
    make_stored_image(variant.product)
    StockAdjustment.objects.create(variant=variant, change=1, reason="count")
    CartLine.objects.create(cart=Cart.objects.create(), variant=variant, quantity=1)
    return variant.product


def _member(client: Client, group: str) -> None:
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["page", "action"])
def test_catalogue_staff_delete_a_product_and_its_orders_remain(client: Client, way: str) -> None:
    _member(client, "Catalogue")
    product, other = _sold(), make_product()
    name = str(product)
    if way == "page":
        address, values = f"{LIST}{product.pk}/delete/", {"post": "yes"}
        assert client.get(address).context["perms_lacking"] == set()
    else:
        address = LIST
        values = {"post": "yes", "action": "delete_selected", "_selected_action": str(product.pk)}
    assert client.post(address, values)["Location"] == LIST
    assert list(Product.objects.all()) == [other]
    assert not CartLine.objects.exists()
    assert not ProductImage.objects.exists()
    line = OrderLine.objects.get()
    assert (line.name, line.variant, line.quantity) == (name, None, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("group", ["Orders", "Read-only"])
def test_other_staff_cannot_delete_a_product(client: Client, group: str) -> None:
    _member(client, group)
    product = _sold()
    assert client.post(f"{LIST}{product.pk}/delete/", {"post": "yes"}).status_code == 403
    assert (Product.objects.count(), CartLine.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_deleting_waits_for_a_checkout_in_progress(admin_client: Client) -> None:
    product, cart = _sold(), Cart.objects.get()
    method = ShippingMethod.objects.create(name="By hand", price=0)

    def delete() -> int:
        status = admin_client.post(f"{LIST}{product.pk}/delete/", {"post": "yes"}).status_code
        connection.close()
        return status

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Cart.objects.select_for_update().get()
            deleted = pool.submit(delete)
            wait_until_a_lock_blocks()
            order = buy(cart, method)
        assert deleted.result(60) == 302
    assert not Product.objects.exists()
    assert order.lines.get().variant is None
