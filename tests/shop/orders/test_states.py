from __future__ import annotations

from decimal import Decimal
from itertools import product as every
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from shop.cart.models import Cart
from shop.catalogue.models import Product
from shop.orders.admin import OrderAdmin, VoucherAdmin
from shop.orders.checkout import CheckoutError
from shop.orders.models import Order, ShippingMethod, Voucher
from shop.orders.states import TRANSITIONS, TransitionError, record_payment, transition
from tests.factories import make_customer, make_order, make_product
from tests.shop.orders.checkouts import buy

pytestmark = pytest.mark.django_db
STATES = [str(state) for state in Order.State]


@pytest.fixture
def order() -> Order:
    cart = Cart.objects.create()
    cart.lines.create(variant=make_product(stock=5).variants.get(), quantity=2)
    method = ShippingMethod.objects.create(name="Post", price=Decimal(5))
    return buy(cart, method, user=make_customer("buyer@example.com"))


@pytest.mark.parametrize(("before", "after"), list(every(STATES, STATES)))
def test_only_the_listed_transitions_are_possible(order: Order, before: str, after: str) -> None:
    paid = after == Order.State.REFUNDED
    Order.objects.update(state=before, paid_at=timezone.now() if paid else None)
    if after in TRANSITIONS[before]:
        assert transition(order, after).state == after
        return
    with pytest.raises(TransitionError, match=order.number):
        transition(order, after)
    assert Order.objects.get().state == before
    assert [event.state for event in order.events.all()] == ["placed"]


@pytest.mark.parametrize(
    ("path", "stock"),
    [
        (["cancelled"], 5),
        (["paid", "refunded"], 5),
        (["packed", "cancelled"], 5),
        (["packed", "shipped", "cancelled"], 5),
        (["packed", "shipped", "delivered", "cancelled"], 5),
        (["paid", "packed", "shipped", "refunded"], 3),
        (["paid", "packed", "shipped", "delivered", "refunded"], 3),
    ],
)
def test_stock_is_restored_unless_a_shipped_order_is_refunded(
    order: Order, path: list[str], stock: int
) -> None:
    for state in path:
        transition(order, state)
    assert Product.objects.get().stock == stock
    assert [event.state for event in order.events.all()] == ["placed", *path]


@pytest.mark.parametrize("path", [["packed"], ["packed", "shipped", "delivered"]])
def test_an_order_without_a_recorded_payment_is_not_refunded(order: Order, path: list[str]) -> None:
    for state in path:
        transition(order, state)
    with pytest.raises(TransitionError, match="No payment is recorded"):
        transition(order, "refunded")
    assert len(mail.outbox) == len(path[:2])
    record_payment(order)
    assert transition(order, "refunded").state == "refunded"


def test_a_parcel_that_comes_back_unpaid_is_cancelled_by_staff(
    admin_client: Client, order: Order
) -> None:
    transition(order, "packed")
    transition(order, "shipped")
    action = {"action": "make_cancelled", "_selected_action": [order.pk]}
    page = admin_client.post(reverse("admin:orders_order_changelist"), action, follow=True)
    assert "1 order updated." in page.content.decode()
    assert (Order.objects.get().state, Product.objects.get().stock) == ("cancelled", 5)
    assert "You won’t be charged." in mail.outbox[-1].body


@pytest.mark.parametrize(
    ("path", "used"),
    [
        (["cancelled"], 0),
        (["packed", "cancelled"], 0),
        (["paid", "refunded"], 0),
        (["packed", "shipped", "cancelled"], 0),
        (["paid", "packed", "shipped", "delivered", "refunded"], 1),
    ],
)
def test_a_voucher_is_restored_unless_a_shipped_order_is_refunded(
    path: list[str], used: int
) -> None:
    variant = make_product(stock=5).variants.get()
    method = ShippingMethod.objects.create(name="Post", price=Decimal(5))
    voucher = Voucher.objects.create(code="ONCE", kind="amount", value=5, limit=1)
    other = Voucher.objects.create(code="OTHER", kind="amount", value=5, used=1)
    cart = Cart.objects.create()
    cart.lines.create(variant=variant, quantity=1)
    order = buy(cart, method, voucher=voucher, user=make_customer("buyer@example.com"))
    for state in path:
        transition(order, state)
    with pytest.raises(TransitionError):
        transition(order, path[-1])
    voucher.refresh_from_db()
    other.refresh_from_db()
    assert (voucher.used, other.used) == (used, 1)
    cart.lines.create(variant=variant, quantity=1)
    if used:
        with pytest.raises(CheckoutError, match="no longer available"):
            buy(cart, method, "again", voucher=voucher)
    else:
        assert buy(cart, method, "again", voucher=voucher).discount == 5


def test_staff_ship_an_order_and_the_customer_is_emailed(
    admin_client: Client, order: Order
) -> None:
    orders = reverse("admin:orders_order_changelist")
    for state in ("packed", "shipped"):
        action = {"action": f"make_{state}", "_selected_action": [order.pk]}
        page = admin_client.post(orders, action, follow=True).content.decode()
        assert "1 order updated." in page
    placed, shipped = (f"Your order {order.number}{words}" for words in ("", " has shipped"))
    assert [letter.subject for letter in mail.outbox] == [placed, shipped]
    assert "Your order is shipped." in admin_client.get(order.get_absolute_url()).content.decode()
    action["action"] = "make_packed"
    page = admin_client.post(orders, action, follow=True).content.decode()
    assert f"Order {order.number} is shipped and cannot become packed." in page


def test_the_order_pages_of_staff_open(admin_client: Client, order: Order) -> None:
    change = reverse("admin:orders_order_change", args=[order.pk])
    page = admin_client.get(change).content.decode()
    assert order.lines.get().sku in page
    assert admin_client.get(reverse("admin:orders_voucher_changelist")).status_code == 200
    assert admin_client.get(reverse("admin:orders_shippingmethod_changelist")).status_code == 200


def test_a_paid_invoice_is_recorded_once(admin_client: Client, order: Order) -> None:
    orders = reverse("admin:orders_order_changelist")
    action = {"action": "record_payment", "_selected_action": [order.pk]}
    page = admin_client.post(orders, action, follow=True).content.decode()
    assert "There is no payment to record." in page
    transition(order, "packed")
    transition(order, "shipped")
    admin_client.post(orders, action)
    order.refresh_from_db()
    assert (order.state, order.paid_at is None) == ("shipped", False)
    assert [event.state for event in order.events.all()] == ["placed", "packed", "shipped", "paid"]
    page = admin_client.post(orders, action, follow=True).content.decode()
    assert "There is no payment to record." in page


def test_a_paid_order_is_not_cancelled(order: Order) -> None:
    transition(order, "paid")
    for state in ("packed", "shipped", "delivered"):
        transition(order, state)
        with pytest.raises(TransitionError, match="Refund it instead"):
            transition(order, "cancelled")
        assert Order.objects.get().state == state


@pytest.mark.parametrize("write", ["L{:06d}", " l{:06d} ", "{:06d}"])
def test_staff_find_an_order_by_its_number(admin_client: Client, order: Order, write: str) -> None:
    other = make_order(email="other@example.com")
    orders = reverse("admin:orders_order_changelist")
    page = admin_client.get(orders, {"q": write.format(order.pk)})
    assert list(page.context["cl"].result_list) == [order]
    page = admin_client.get(orders, {"q": "other@"})
    assert list(page.context["cl"].result_list) == [other]
    for nobodys in ("L000000", f"L{'9' * 30}", f"X{order.pk}"):
        assert not admin_client.get(orders, {"q": nobodys}).context["cl"].result_list


def test_editing_an_order_keeps_a_simultaneous_payment(
    admin_client: Client, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = OrderAdmin.save_model

    def late(admin: OrderAdmin, request: Any, mine: Order, *values: Any) -> None:
        transition(Order.objects.get(), "paid")
        save(admin, request, mine, *values)

    monkeypatch.setattr(OrderAdmin, "save_model", late)
    names = ("tracking", "email", "name", "street", "postcode", "city", "country", "phone")
    form = {name: getattr(order, name) for name in names} | {"city": "Ogdenville"}
    for inline in ("lines", "events"):
        form |= {f"{inline}-TOTAL_FORMS": 0, f"{inline}-INITIAL_FORMS": 0}
    change = reverse("admin:orders_order_change", args=[order.pk])
    assert admin_client.post(change, form).status_code == 302
    order.refresh_from_db()
    assert (order.city, order.state, order.paid_at is None) == ("Ogdenville", "paid", False)


def test_editing_a_voucher_keeps_a_simultaneous_use(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    voucher = Voucher.objects.create(code="TEN", kind="percentage", value=10)
    save = VoucherAdmin.save_model

    def late(admin: VoucherAdmin, request: Any, mine: Voucher, *values: Any) -> None:
        Voucher.objects.update(used=1)
        save(admin, request, mine, *values)

    monkeypatch.setattr(VoucherAdmin, "save_model", late)
    form = {"code": "ten", "kind": "percentage", "value": 20, "minimum": 0}
    change = reverse("admin:orders_voucher_change", args=[voucher.pk])
    assert admin_client.post(change, form).status_code == 302
    voucher.refresh_from_db()
    assert (voucher.code, voucher.value, voucher.used) == ("TEN", 20, 1)
    add = reverse("admin:orders_voucher_add")
    assert admin_client.post(add, form | {"code": "new"}).status_code == 302
    assert Voucher.objects.get(code="NEW").value == 20
    refused = admin_client.post(add, form | {"code": "more", "value": "100.01"})
    assert refused.context["adminform"].errors == {
        "value": ["A discount cannot exceed 100 per cent."]
    }
    assert Voucher.objects.count() == 2
