"""Buyers back out of the card payment."""

from __future__ import annotations

from functools import partial

import pytest
from django.test import Client

from shop.cart.models import Cart, CartLine
from shop.catalogue.models import Product, Variant
from shop.orders.models import Order, ShippingMethod, Voucher
from tests.shop.orders.checkouts import CHECKOUT, checkout_data, fill_cart
from tests.shop.payments.order_state import at_once, history, state
from tests.shop.payments.stub import Stripe

pytestmark = pytest.mark.django_db
CART = "/cart/"


def _cancel(client: Client, order: Order) -> str:
    return str(client.post(f"{order.get_absolute_url()}cancel/")["Location"])


def test_a_buyer_cancels_an_unpaid_order_and_gets_the_cart_back(
    client: Client, stripe: Stripe, method: ShippingMethod
) -> None:
    Voucher.objects.create(code="TEN", kind="percentage", value=10, limit=1)
    variant = fill_cart(client, 2, stock=2)
    client.post(CHECKOUT, checkout_data(method, payment="card", code="TEN", phone="0170"))
    order = Order.objects.get()
    assert "Cancel and return to cart" in client.get(order.get_absolute_url()).content.decode()
    assert (_cancel(client, order), state(order)) == (CART, ("cancelled", "pending"))
    assert stripe.sessions["cs_test_1"]["status"] == "expired"
    line = CartLine.objects.get()
    assert (line.variant, line.quantity, Variant.objects.get().stock) == (variant, 2, 2)
    assert "You won’t be charged." in client.get(CART).content.decode()
    page = client.get(CHECKOUT).context
    assert (page["voucher"].code, page["form"]["phone"].value()) == ("TEN", "0170")
    assert page["form"]["street"].value() == "1 High Street"
    again = client.post(CHECKOUT, checkout_data(method, code="TEN", key="k2"))
    assert again["Location"] == Order.objects.latest("pk").get_absolute_url()


def test_the_checkout_of_an_emptied_cart_leads_to_the_unpaid_order(
    client: Client, stripe: Stripe, order: Order
) -> None:
    assert client.get(CHECKOUT)["Location"] == order.get_absolute_url()
    _cancel(client, order)
    CartLine.objects.all().delete()
    assert client.get(CHECKOUT)["Location"] == CART


def test_a_paid_order_is_not_cancelled_by_its_buyer(
    client: Client, stripe: Stripe, order: Order
) -> None:
    stripe.pay("cs_test_1")
    assert _cancel(client, order) == order.get_absolute_url()
    assert "We couldn’t cancel this order." in client.get(order.get_absolute_url()).content.decode()
    assert (state(order), Cart.objects.get().count()) == (("placed", "pending"), 0)


def test_an_order_is_not_cancelled_while_stripe_is_unreachable(
    client: Client, stripe: Stripe, order: Order
) -> None:
    stripe.fails = 500
    assert _cancel(client, order) == order.get_absolute_url()
    assert (state(order), Cart.objects.get().count()) == (("placed", "pending"), 0)


def test_an_item_that_cannot_be_returned_to_the_cart_is_named(
    client: Client, stripe: Stripe, order: Order
) -> None:
    Product.objects.update(name="Blue Shirt", listed=False)
    assert _cancel(client, order) == CART
    assert "“Blue Shirt” is sold out." in client.get(CART).content.decode()
    assert (state(order)[0], Cart.objects.get().count()) == ("cancelled", 0)


@pytest.mark.django_db(transaction=True)
def test_a_double_click_returns_the_items_once(
    client: Client, stripe: Stripe, order: Order
) -> None:
    twin = Client()
    twin.cookies = client.cookies
    assert at_once(*(partial(_cancel, each, order) for each in (client, twin))) == [CART, CART]
    assert (Cart.objects.get().count(), history(order)) == (1, ["placed", "cancelled"])


def test_only_a_prepaid_order_is_cancelled_by_its_buyer(
    client: Client, method: ShippingMethod
) -> None:
    fill_cart(client)
    client.post(CHECKOUT, checkout_data(method))
    order = Order.objects.get()
    page = order.get_absolute_url()
    assert "Cancel and return to cart" not in client.get(page).content.decode()
    assert client.post(f"{page}cancel/").status_code == 404
    assert Order.objects.get().state == "placed"


def test_only_a_post_with_the_orders_link_cancels_it(client: Client, order: Order) -> None:
    assert client.get(f"{order.get_absolute_url()}cancel/").status_code == 405
    assert client.post("/orders/somebody-elses-order/cancel/").status_code == 404
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"{order.get_absolute_url()}cancel/").status_code == 403
    assert state(order) == ("placed", "pending")
