"""Use the cart and place an order without a mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from shop.orders.models import Order
from tests.browser.conftest import CONTACT

pytestmark = pytest.mark.browser
MAX_TABS = 150


def _tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus, and check that it is in view."""
    for _press in range(MAX_TABS):
        if target.evaluate("element => element === document.activeElement"):
            expect(target).to_be_in_viewport()
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{target} is not reached after {MAX_TABS} tabs")


def _press(page: Page, target: Locator, key: str = "Enter") -> None:
    _tab_to(page, target)
    page.keyboard.press(key)


@pytest.mark.parametrize("width", [375, 1440])
def test_a_shopper_searches_filters_and_buys_by_keyboard(
    page: Page, stocked: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 812})
    page.goto(stocked)
    _tab_to(page, page.locator("#q"))
    page.keyboard.type("shirt")
    page.keyboard.press("Enter")
    expect(page.locator("#listing .card")).to_have_count(7)
    drawer = page.locator(".listing .fold > summary")
    if drawer.is_visible():
        _press(page, drawer)
    _press(page, page.get_by_label("Women"), "Space")
    expect(page.locator("#listing .grid .card")).to_have_count(3)
    if drawer.is_visible():
        _press(page, page.locator(".show-results"))
    _press(page, page.locator("#listing .card > a").first)
    page.wait_for_url("**/products/*/")
    _press(page, page.get_by_role("radio", name="M"), "Space")
    _press(page, page.get_by_role("button", name="Add to cart"))
    panel = page.locator("#cart-panel")
    expect(panel).to_be_visible()
    _press(page, panel.get_by_role("link", name="View cart"))
    _press(page, page.get_by_role("link", name="Checkout"))
    page.wait_for_url("**/checkout/")
    for field, value in {"email": "alice@example.com", **CONTACT}.items():
        entry = page.locator(f"#id_{field}")
        _tab_to(page, entry)
        option = entry.locator(f'option[value="{value}"]')
        # A list is set by typing what its option says.
        page.keyboard.type(option.inner_text() if option.count() else value)
    _press(page, page.get_by_role("button", name="Place order"))
    expect(page.locator(".order-state")).to_contain_text("Please confirm your order")
    assert Order.objects.get().lines.get().name.endswith("(M)")


def test_the_cart_keeps_the_focus_while_it_is_edited_by_keyboard(page: Page, filled: str) -> None:
    page.goto(f"{filled}/cart/")
    more = page.get_by_role("button", name="Increase quantity")
    for quantity in ("2", "3"):
        with page.expect_response("**/cart/lines/*/"):
            _press(page, more)
        expect(page.get_by_role("spinbutton", name="Quantity")).to_have_value(quantity)
        expect(page.locator("#cart-link")).to_contain_text(quantity)
        expect(more).to_be_focused()
    with page.expect_response("**/cart/lines/*/"):
        _press(page, page.get_by_role("button", name="Remove"))
    expect(page.locator("#messages")).to_be_focused()
    expect(page.locator("#messages")).to_contain_text("was removed")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
