"""Requests by htmx that fail or are slow."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from shop.wishlist.models import SavedProduct
from tests.factories import make_customer

pytestmark = pytest.mark.browser
PASSWORD = "correct-horse-7"
HEART = ".card .heart button"


def test_a_lost_and_restored_connection_is_reported(page: Page, shop: str) -> None:
    page.goto(f"{shop}/products/")
    failure = page.locator("#failure")
    expect(failure).to_be_hidden()
    page.context.set_offline(True)
    expect(failure).to_have_text("You’re offline. Check your connection.")
    page.context.set_offline(False)
    expect(failure).to_be_hidden()


def _heart(page: Page, place: int) -> str | None:
    return page.locator(HEART).nth(place).get_attribute("aria-pressed")


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_a_stale_page_after_sign_in_says_so(page: Page, shop: str, width: int) -> None:
    make_customer("bob@example.com", PASSWORD)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{shop}/products/")
    other = page.context.new_page()
    other.goto(f"{shop}/account/login/")
    other.fill("[name=login]", "bob@example.com")
    other.fill("[name=password]", PASSWORD)
    other.get_by_role("button", name="Sign In").click()
    other.wait_for_url("**/account/")
    page.locator(HEART).last.click()
    failure = page.locator("#failure")
    expect(failure).to_have_text("Something went wrong. Reload the page and try again.")
    expect(failure).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert _heart(page, -1) == "false"
    page.locator(".language button").click()  # a form without htmx
    expect(page.get_by_role("heading", level=1)).to_have_text("This page has expired")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="Back to the page").click()
    page.wait_for_url("**/products/")
    assert not SavedProduct.objects.exists()


def test_the_wishlist_button_reports_a_server_that_is_down(page: Page, shop: str) -> None:
    page.goto(f"{shop}/products/")

    def away(route: Route) -> None:
        route.abort("connectionfailed")

    page.route("**/saved/*/", away)
    page.locator(HEART).first.click()
    expect(page.locator("#failure")).to_be_visible()
    page.unroute("**/saved/*/", away)
    page.locator(HEART).first.click()
    expect(page.locator(HEART).first).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#failure")).to_be_hidden()


@pytest.mark.parametrize("has_a_session", [False, True])
def test_products_saved_in_quick_succession_are_all_kept(
    page: Page, shop: str, has_a_session: bool
) -> None:
    page.goto(f"{shop}/products/")
    if has_a_session:
        page.locator(HEART).last.click()
        expect(page.locator(f"{HEART}[aria-pressed=true]")).to_have_count(1)
    page.evaluate(f"[...document.querySelectorAll('{HEART}')].slice(0, 3).forEach(b => b.click())")
    expect(page.locator(f"{HEART}[aria-pressed=true]")).to_have_count(3 + has_a_session)
    page.goto(f"{shop}/saved/")
    expect(page.locator(".card")).to_have_count(3 + has_a_session)


def test_a_double_click_does_not_block_the_next_save(page: Page, shop: str) -> None:
    page.goto(f"{shop}/products/")
    page.evaluate(
        f"[0, 0, 1].forEach(place => document.querySelectorAll('{HEART}')[place].click())"
    )
    expect(page.locator(HEART).nth(1)).to_have_attribute("aria-pressed", "true")
    assert _heart(page, 0) == "false"


def test_saving_by_keyboard_keeps_focus(page: Page, shop: str) -> None:
    page.goto(f"{shop}/products/")
    hearts = page.locator(".heart button")
    for place, pressed in ((2, "true"), (0, "true"), (2, "false")):
        hearts.nth(place).focus()
        page.keyboard.press("Enter")
        expect(hearts.nth(place)).to_have_attribute("aria-pressed", pressed)
        expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
        expect(hearts.nth(place)).to_be_focused()
    with page.expect_response("**/saved/*/"):
        hearts.nth(1).focus()
        page.keyboard.press("Enter")
        hearts.nth(3).focus()
    expect(hearts.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(hearts.nth(3)).to_be_focused()
