"""Search, buy and ship in the browser, as guest, customer and staff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from playwright.sync_api import Browser, Page, expect

from shop.catalogue.models import Product, Variant
from shop.orders.models import Order
from tests.browser.conftest import CONTACT
from tests.factories import make_customer

pytestmark = pytest.mark.browser
PASSWORD = "correct-horse-7"


def _fill(page: Page, field: str, value: str) -> None:
    control = page.locator(f"#id_{field}")
    control.select_option(value) if field == "country" else control.fill(value)


@pytest.fixture
def staff_page(browser: Browser, stocked: str) -> Iterator[Page]:
    User.objects.create_superuser("staff", "staff@example.com", PASSWORD)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{stocked}/admin/")
    page.fill("#id_login", "staff")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    yield page
    context.close()


def _find_and_buy(page: Page, shop: str) -> None:
    """Search, filter, follow a similar item, choose a size and add it to the cart."""
    page.goto(shop)
    page.locator("#q").fill("shirt")
    page.keyboard.press("Enter")
    expect(page.locator(".card")).to_have_count(7)
    if page.locator(".fold > summary").is_visible():
        page.locator(".fold > summary").click()
    page.get_by_label("Women").check()
    expect(page.locator("#listing .grid .card")).to_have_count(3)
    if page.locator(".show-results").is_visible():
        page.locator(".show-results").click()
        expect(page.locator(".drawer")).to_be_hidden()
    page.locator("#listing .card > a").first.click()
    look_alike = page.locator('[data-block="similar"] .card > a').first
    name = look_alike.locator(".card-name").inner_text()
    look_alike.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator(".sizes input").first).to_be_disabled()
    page.locator(".sizes").get_by_text("M", exact=True).click()
    page.get_by_role("button", name="Add to cart").click()
    page.locator("#cart-panel").get_by_role("link", name="View cart").click()
    expect(page.locator(".cart-line")).to_contain_text(name)
    expect(page.locator(".badge-count")).to_have_text("1")


def _check_out(page: Page, email: str = "") -> Order:
    page.get_by_role("link", name="Checkout").click()
    page.locator("#code").fill("summer")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#summary")).to_contain_text("−€2.00")
    if email:
        page.get_by_role("button", name="Place order").click()
        page.locator("#id_email").fill(email)
        for field, value in CONTACT.items():
            _fill(page, field, value)
    expect(page.locator("#id_city")).to_have_value("Springfield")
    page.get_by_role("button", name="Place order").click()
    expected = "Please confirm your order" if email else "Thank you for your order!"
    expect(page.locator(".order-state")).to_contain_text(expected)
    return Order.objects.latest("pk")


def _ship(page: Page, shop: str, order: Order) -> None:
    page.goto(f"{shop}/admin/orders/order/{order.pk}/change/")
    page.get_by_label("Tracking number").fill("TRACK-42")
    page.get_by_role("button", name="Save", exact=True).click()
    for action in ("Mark as packed", "Mark as shipped and email the customer"):
        page.goto(f"{shop}/admin/orders/order/")
        page.locator(f'input[name="_selected_action"][value="{order.pk}"]').check()
        page.locator('select[name="action"]').select_option(label=action)
        page.get_by_role("button", name=re.compile("Run|Go")).first.click()
        expect(page.get_by_text("1 order updated.")).to_be_visible()


def test_a_guest_buys_and_staff_ship(page: Page, stocked: str, staff_page: Page) -> None:
    _find_and_buy(page, stocked)
    order = _check_out(page, "alice@example.com")
    assert (order.total, order.discount) == (Decimal("22.95"), Decimal("2.00"))
    assert Variant.objects.filter(size="M", stock=4).count() == 1
    assert (mail.outbox[0].to, mail.outbox[0].subject) == (
        ["alice@example.com"],
        f"Please confirm your order {order.number}",
    )
    link = re.search(r"http\S+(/orders/\S+)", str(mail.outbox[0].body))
    assert link
    page.goto(stocked + link[1])
    page.get_by_role("button", name="Confirm order").click()
    expect(page.locator(".order-state")).to_contain_text("Thank you for your order!")
    _ship(staff_page, stocked, order)
    assert "has shipped" in mail.outbox[1].subject
    link = re.search(r"http\S+(/orders/\S+)", mail.outbox[1].body)
    assert link
    page.goto(stocked + link[1])
    expect(page.locator(".order-state")).to_contain_text("Your order is shipped. ")
    expect(page.locator(".order-state")).to_contain_text("TRACK-42")


def test_a_customer_buys_on_a_phone(page: Page, stocked: str, staff_page: Page) -> None:
    alice = make_customer("alice@example.com", PASSWORD)
    alice.addresses.create(**CONTACT)
    page.set_viewport_size({"width": 375, "height": 812})
    _find_and_buy(page, stocked)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Email").fill("alice@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign In").click()
    page.wait_for_url("**/cart/")
    expect(page.locator(".cart-line")).to_have_count(1)
    order = _check_out(page)
    assert (order.user, order.email, order.total) == (alice, alice.email, Decimal("22.95"))
    _ship(staff_page, stocked, order)
    page.get_by_role("link", name="Account").click()
    page.locator(".account-menu").get_by_role("link", name="Orders").click()
    expect(page.locator(".boxes li")).to_contain_text("Shipped")
    page.get_by_role("link", name=order.number).click()
    expect(page.locator(".order-state")).to_contain_text("TRACK-42")
    assert page.evaluate("document.documentElement.scrollWidth") == 375


@pytest.mark.parametrize("scripts", [True, False])
def test_a_guests_input_is_kept_when_a_voucher_is_applied(
    browser: Browser, stocked: str, scripts: bool
) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(stocked + Product.objects.latest("pk").get_absolute_url())
    page.locator(".sizes").get_by_text("M", exact=True).click()
    page.get_by_role("button", name="Add to cart").click()
    if scripts:
        page.locator("#cart-panel").get_by_role("link", name="View cart").click()
    page.get_by_role("link", name="Checkout").click()
    page.locator("#id_email").fill("alice@")
    page.get_by_label("Cash on delivery").check()
    for field in CONTACT.keys() - {"city"}:
        _fill(page, field, CONTACT[field])
    for code, use in (("none", "click"), ("summer", "Enter")):
        page.locator("#code").fill(code)
        if use == "click":
            page.get_by_role("button", name="Apply").click()
            expect(page.get_by_role("alert")).to_have_text("This code isn’t valid.")
        else:
            page.keyboard.press("Enter")
            expect(page.locator("#summary")).to_contain_text("−€2.00")
        expect(page.locator("#id_email")).to_have_value("alice@")
        expect(page.get_by_label("Cash on delivery")).to_be_checked()
        for field in CONTACT.keys() - {"city"}:
            expect(page.locator(f"#id_{field}")).to_have_value(CONTACT[field])
        expect(page.locator(".field-error")).to_have_count(0)
    assert not Order.objects.exists()
    context.close()


def test_wishlist_and_undo_work_in_the_browser(page: Page, stocked: str, settings: Any) -> None:
    page.goto(f"{stocked}/products/")
    heart = page.locator(".card .heart button").first
    heart.click()
    expect(page.locator(".card .heart button").first).to_have_attribute("aria-pressed", "true")
    page.goto(f"{stocked}/saved/")
    expect(page.locator(".card")).to_have_count(1)
    page.locator(".card > a").click()
    page.locator(".sizes").get_by_text("M", exact=True).click()
    page.get_by_role("button", name="Add to cart").click()
    page.locator("#cart-panel").get_by_role("link", name="View cart").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".cart-line")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".cart-line")).to_have_count(1)
