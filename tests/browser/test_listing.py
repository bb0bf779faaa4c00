from __future__ import annotations

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from tests.factories import make_product

pytestmark = pytest.mark.browser


@pytest.fixture
def long_list(shop: str) -> str:
    """A shop with two pages of products."""
    for number in range(settings.CATALOGUE_PAGE_SIZE + 2):
        make_product(name=f"Belt {number}", gender="Men" if number else "Women")
    return f"{shop}/products/"


def test_more_products_are_loaded_and_back_returns_to_them(page: Page, long_list: str) -> None:
    page.goto(long_list)
    page.locator(".load-more").click()
    cards = page.locator(".grid .card")
    expect(cards).to_have_count(settings.CATALOGUE_PAGE_SIZE + 9)
    page.wait_for_url("**?page=2")
    expect(page.locator(".load-more")).to_have_count(0)
    expect(cards.nth(settings.CATALOGUE_PAGE_SIZE).locator("> a")).to_be_focused()
    cards.nth(2).locator("> a").click()
    expect(page.locator(".product h1")).to_be_visible()
    page.go_back()
    expect(cards).to_have_count(settings.CATALOGUE_PAGE_SIZE + 9)


def test_load_more_is_a_link_without_javascript(browser: Browser, long_list: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(long_list)
    page.locator(".load-more").click()
    expect(page.locator(".grid .card")).to_have_count(9)
    context.close()


def test_the_filter_drawer_stays_open_until_results_are_shown(
    browser: Browser, long_list: str
) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 812})
    page = context.new_page()
    page.goto(long_list)
    page.locator("#filters > summary").click()
    page.get_by_label("Women").check()
    button = page.locator(".show-results")
    expect(button).to_have_text("Show 4 products")
    expect(button).to_be_in_viewport()
    button.click()
    expect(page.locator(".drawer")).to_be_hidden()
    expect(page.locator("#filters > summary")).to_be_focused()
    expect(page.locator(".grid .card")).to_have_count(4)
    context.close()


def test_chips_above_the_products_of_a_phone_filter_at_once(
    browser: Browser, long_list: str
) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 812})
    page = context.new_page()
    page.goto(long_list)
    quick = page.get_by_role("navigation", name="Quick filters")
    quick.get_by_role("link", name="Women").click()
    page.wait_for_url("**?gender=Women")
    expect(page.locator(".grid .card")).to_have_count(4)
    expect(quick.get_by_role("link", name="Women")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.set_viewport_size({"width": 768, "height": 812})
    expect(quick).to_be_hidden()
    context.close()
