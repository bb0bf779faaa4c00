from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from shop.catalogue.models import Product
from shop.orders.models import Order, ShippingMethod, Voucher
from tests.html import one_line
from tests.shop.orders.checkouts import CHECKOUT, CONTACT, checkout_data, fill_cart

pytestmark = pytest.mark.django_db
VOUCHER = reverse("orders:voucher")


@pytest.fixture
def express(method: ShippingMethod) -> ShippingMethod:
    """A second shipping method, which is never free."""
    return ShippingMethod.objects.create(name="Tomorrow", price=9, position=9)


@pytest.fixture
def typed(client: Client, express: ShippingMethod) -> dict[str, Any]:
    """The form of a guest with three shirts of 20 in the cart, without the city."""
    Voucher.objects.create(code="TEN", kind="percentage", value=10)
    fill_cart(client, 3)
    return checkout_data(express, payment="delivery", key="my-key", city="")


def _shown(response: Any) -> dict[str, Any]:
    """Return what the page's form would submit."""
    return {name: response.context["form"][name].value() for name in (*CONTACT, "key")} | {
        name: response.context["form"][name].value() for name in ("payment", "method")
    }


def _kept(typed: dict[str, Any]) -> dict[str, Any]:
    return typed | {"method": str(typed["method"])}


@pytest.fixture
def ready(typed: dict[str, Any]) -> dict[str, Any]:
    return typed | {"city": "Springfield"}


def test_input_is_kept_when_a_voucher_is_applied(client: Client, typed: dict[str, Any]) -> None:
    response = client.post(VOUCHER, typed | {"code": " ten "})
    page = response.content.decode()
    assert (response.status_code, _shown(response)) == (200, _kept(typed))
    assert 'value="1 High Street"' in page
    assert 'value="my-key"' in page
    assert f'value="{typed["method"]}" id="id_method_2" required checked' in page
    assert "−€6.00" in page
    assert "€63.00" in page  # 60 - 6 + 9
    assert "field-error" not in page
    assert "Please check the highlighted fields." not in page
    client.post(CHECKOUT, typed | {"city": "Springfield", "code": "TEN", "total": "63.00"})
    order = Order.objects.get()
    assert (order.voucher_code, order.shipping_name, order.total) == ("TEN", "Tomorrow", 63)


def test_an_unknown_voucher_is_refused_and_input_is_kept(
    client: Client, typed: dict[str, Any]
) -> None:
    client.post(VOUCHER, {"code": "TEN"})
    response = client.post(VOUCHER, typed | {"code": "NOPE"})
    page = response.content.decode()
    assert (response.status_code, _shown(response)) == (422, _kept(typed))
    assert "This code isn’t valid." in page
    assert 'value="NOPE"' in page
    assert "−€6.00" in page
    assert client.session["voucher"] == "TEN"


def test_input_is_kept_when_a_voucher_is_removed(client: Client, typed: dict[str, Any]) -> None:
    client.post(VOUCHER, {"code": "TEN"})
    response = client.post(VOUCHER, typed | {"code": ""})
    assert (response.status_code, _shown(response)) == (200, _kept(typed))
    assert "−€" not in response.content.decode()
    assert "€69.00" in response.content.decode()
    assert client.session["voucher"] == ""


def test_a_saved_address_is_used_until_another_is_typed(
    client: Client, method: ShippingMethod
) -> None:
    fill_cart(client)
    shown = _shown(client.post(VOUCHER, {"code": "", "city": "Ogdenville"}))
    assert (shown["city"], shown["street"], shown["payment"]) == ("Ogdenville", None, "invoice")
    assert shown["method"] == method.pk
    assert len(shown["key"]) == 22


def test_an_unapplied_code_is_kept_when_a_field_is_missing(
    client: Client, typed: dict[str, Any]
) -> None:
    response = client.post(CHECKOUT, typed | {"code": "TEN"})
    assert response.status_code == 422
    assert 'value="TEN"' in response.content.decode()
    assert not Order.objects.exists()


def test_a_reload_redirects_to_the_checkout(client: Client, typed: dict[str, Any]) -> None:
    assert client.get(VOUCHER)["Location"] == CHECKOUT


def test_an_empty_cart_keeps_the_code(client: Client, method: ShippingMethod) -> None:
    Voucher.objects.create(code="TEN", kind="percentage", value=10)
    assert client.post(VOUCHER, {"code": "ten"})["Location"] == reverse("cart:cart")
    assert client.session["voucher"] == "TEN"


def test_the_minimum_of_a_voucher_is_formatted_for_the_locale(
    client: Client, method: ShippingMethod
) -> None:
    fill_cart(client, currency="USD")
    Voucher.objects.create(code="BIG", kind="amount", value=5, minimum=1050)
    client.cookies["django_language"] = "de"
    page = client.post(VOUCHER, {"code": "big"}).content.decode()
    assert "Dieser Gutschein gilt ab einem Bestellwert von 1.050,00\xa0$." in page


def test_a_code_is_applied_on_checkout_without_the_apply_button(
    client: Client, ready: dict[str, Any]
) -> None:
    """The page showed 69, so the new total is shown before the order is placed."""
    seen = client.post(CHECKOUT, ready | {"code": "ten", "total": "69.00"})
    page = one_line(seen.content.decode())
    assert (seen.status_code, Order.objects.count()) == (422, 0)
    assert "The total has changed. Please review it before you order." in page
    assert 'name="total" form="checkout" value="63.00"' in page
    client.post(CHECKOUT, ready | {"code": "ten", "total": "63.00"})
    assert (Order.objects.get().total, Order.objects.get().voucher_code) == (63, "TEN")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("NOPE", "This code isn’t valid."),
        ("A" * 41, "Ensure this value has at most 40 characters (it has 41)."),
    ],
)
def test_nothing_is_ordered_with_an_unknown_code(
    client: Client, ready: dict[str, Any], code: str, problem: str
) -> None:
    response = client.post(CHECKOUT, ready | {"code": code})
    page = response.content.decode()
    assert (response.status_code, Order.objects.count()) == (422, 0)
    assert (problem in page, f'value="{code}"' in page) == (True, True)
    assert _shown(response) == _kept(ready)


def test_a_cleared_code_is_not_applied(client: Client, ready: dict[str, Any]) -> None:
    client.post(VOUCHER, {"code": "TEN"})
    client.post(CHECKOUT, ready | {"code": "", "total": "69.00"})
    order = Order.objects.get()
    assert (order.total, order.voucher_code, Voucher.objects.get().used) == (69, "", 0)


def test_a_voucher_below_its_minimum_does_not_block_the_order(
    client: Client, ready: dict[str, Any]
) -> None:
    """The page explains this and leaves the field empty, which is then submitted."""
    client.post(VOUCHER, {"code": "TEN"})
    Voucher.objects.update(minimum=100)
    page = one_line(client.get(CHECKOUT).content.decode())
    assert "Spend €100.00 or more to use this voucher." in page
    assert 'name="code" form="checkout" maxlength="40" value=""' in page
    client.post(CHECKOUT, ready | {"code": "", "total": "69.00"})
    assert Order.objects.get().total == 69


def test_nothing_is_ordered_at_a_price_the_buyer_has_not_seen(
    client: Client, ready: dict[str, Any]
) -> None:
    Product.objects.update(price=40)
    changed = client.post(CHECKOUT, ready | {"total": "69.00"})
    assert (changed.status_code, Order.objects.count()) == (422, 0)
    assert 'value="129.00"' in changed.content.decode()
    slower = ShippingMethod.objects.exclude(pk=ready["method"]).first()
    again = ready | {"total": "129.00", "method": slower.pk}  # type: ignore[union-attr]
    changed = client.post(CHECKOUT, again)  # as without JavaScript, which showed no new total
    assert (changed.status_code, Order.objects.count()) == (422, 0)
    page = one_line(changed.content.decode())
    total = re.search(r'name="total" form="checkout" value="([^"]+)"', page)
    client.post(CHECKOUT, again | {"total": total[1]})  # type: ignore[index]
    assert str(Order.objects.get().total) == total[1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("address", "changes", "field", "message"),
    [
        ("add/", {"code": " summer "}, "code", "Voucher with this Code already exists."),
        ("{pk}/change/", {"limit": 5}, "limit", "It has already been used 6 times."),
    ],
)
def test_an_invalid_voucher_is_reported_at_its_field(
    admin_client: Client, address: str, changes: dict[str, Any], field: str, message: str
) -> None:
    voucher = Voucher.objects.create(code="SUMMER", kind="amount", value=5, limit=10, used=6)
    values = {"code": "SUMMER", "kind": "amount", "value": "5", "minimum": "0", "limit": 10}
    url = f"/admin/orders/voucher/{address.format(pk=voucher.pk)}"
    form = admin_client.post(url, values | changes).context["adminform"].form
    assert form.errors == {field: [message]}
    assert list(Voucher.objects.values_list("code", "limit")) == [("SUMMER", 10)]
    assert admin_client.post(url, values | {"code": "winter", "limit": 6}).status_code == 302
    assert Voucher.objects.filter(code="WINTER", limit=6).count() == 1
