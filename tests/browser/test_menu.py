"""Find a category in the menu by touch, by keyboard and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False])
def test_the_menu_opens_by_touch_on_a_phone(browser: Browser, shop: str, scripts: bool) -> None:
    context = browser.new_context(
        viewport={"width": 375, "height": 812}, has_touch=True, java_script_enabled=scripts
    )
    page = context.new_page()
    page.goto(shop)
    menu = page.locator("#menu")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu").tap()
    menu.get_by_text("Women", exact=True).tap()
    menu.get_by_role("link", name="Shirts").locator("visible=true").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Shirts")
    expect(page.locator("#listing .grid .card")).to_have_count(3)
    context.close()


def test_a_section_opens_and_closes_by_keyboard(page: Page, shop: str) -> None:
    page.goto(shop)
    women = page.locator("#menu summary", has_text="Women")
    women.focus()
    page.keyboard.press("Enter")
    shirts = page.locator("#menu details[open]").get_by_role("link", name="Shirts")
    expect(shirts).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(shirts).to_be_hidden()
    expect(women).to_be_focused()
    page.keyboard.press("Enter")
    for _link in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Shirts")


def test_a_click_beside_an_open_section_closes_it(page: Page, shop: str) -> None:
    page.goto(shop)
    page.locator("#menu summary", has_text="Women").click()
    expect(page.locator("#menu details[open]")).to_have_count(1)
    page.locator("#menu summary", has_text="All products").click()
    expect(page.locator("#menu details[open]")).to_have_count(1)
    page.mouse.click(20, 880)
    expect(page.locator("#menu details[open]")).to_have_count(0)


def test_the_header_returns_when_a_phone_scrolls_up(page: Page, shop: str) -> None:
    page.set_viewport_size({"width": 375, "height": 812})
    page.goto(f"{shop}/products/")
    header = page.locator(".site-header")
    page.mouse.wheel(0, 600)
    expect(header).not_to_be_in_viewport()
    page.mouse.wheel(0, -100)
    expect(header).to_be_in_viewport(ratio=1)
