from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from shop.catalogue.browsing.spelling import refresh_search_words

pytestmark = pytest.mark.browser


@pytest.fixture
def typed(page: Page, shop: str) -> Page:
    """A page with the start of a word in its search box."""
    refresh_search_words()
    page.goto(shop)
    page.locator("#q").press_sequentially("shir")
    expect(page.locator("#suggestions [role=option]").first).to_be_visible()
    return page


def test_suggestions_are_chosen_by_keyboard(typed: Page) -> None:
    box = typed.locator("#q")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(typed.locator("#suggestions-status")).to_contain_text("suggestions")
    typed.keyboard.press("ArrowDown")
    first = typed.locator("#suggestions [role=option]").first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", first.get_attribute("id") or "")
    typed.keyboard.press("Enter")
    typed.wait_for_url("**/search/?q=shir*")


def test_suggestions_fill_the_width_of_a_phone(typed: Page) -> None:
    typed.set_viewport_size({"width": 375, "height": 812})
    option = typed.locator("#suggestions [role=option]").first.bounding_box()
    box = typed.locator("#suggestions").bounding_box()
    assert option is not None
    assert box is not None
    assert option["x"] >= box["x"]
    assert option["width"] > 300


def test_escape_closes_the_suggestions_and_keeps_the_text(typed: Page) -> None:
    typed.keyboard.press("Escape")
    expect(typed.locator("#suggestions")).to_be_hidden()
    expect(typed.locator("#q")).to_have_value("shir")
    expect(typed.locator("#q")).to_have_attribute("aria-expanded", "false")


def test_a_suggested_product_is_opened_by_a_click(typed: Page) -> None:
    typed.locator("#suggestions a[href^='/products/']").first.click()
    expect(typed.locator("h1")).to_contain_text("Shirt")


def test_the_open_suggestions_are_accessible(typed: Page) -> None:
    found = Axe().run(typed, options={"runOnly": ["wcag2a", "wcag2aa", "best-practice"]})
    serious = [
        v["id"] for v in found.response["violations"] if v["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_the_search_works_without_javascript(browser: Browser, shop: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(shop)
    page.locator("#q").fill("shirt")
    page.locator(".search button").click()
    expect(page.locator("h1")).to_contain_text("shirt")
    context.close()
