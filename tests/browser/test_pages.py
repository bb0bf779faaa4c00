from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import ACCOUNT_PATHS, PATHS, address_of, sign_in
from tests.factories import make_product, picture_bytes

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_no_page_scrolls_sideways_or_shifts_its_layout(page: Page, filled: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const entry of"
        " list.getEntries()) window.shift += entry.value; })"
        ".observe({type: 'layout-shift', buffered: true});"
    )
    for path in PATHS:
        page.goto(address_of(filled, path), wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate("window.shift") < 0.01, path
    sign_in(page, filled)
    for path in ACCOUNT_PATHS:
        page.goto(filled + path, wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_no_page_violates_the_content_security_policy(page: Page, filled: str) -> None:
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for path in (*PATHS, "/api/v1/docs/"):
        page.goto(address_of(filled, path), wait_until="networkidle")
    assert [text for text in problems if "404 (Not Found)" not in text] == []


def test_the_controls_of_a_cart_line_name_the_product(page: Page, filled: str) -> None:
    page.goto(f"{filled}/cart/")
    name = page.locator(".cart-line div > a").inner_text()
    line = page.locator(".line-forms")
    expect(line.get_by_role("spinbutton")).to_have_accessible_name(f"Quantity {name}")
    buttons = line.get_by_role("button")
    for place, verb in enumerate(("Decrease quantity of", "Increase quantity of", "Remove")):
        expect(buttons.nth(place)).to_have_accessible_name(f"{verb} {name}")


def test_similar_items_are_for_the_same_gender(page: Page, shop: str) -> None:
    page.goto(f"{shop}/categories/apparel/")
    expect(page.locator(".card")).to_have_count(7)
    page.get_by_label("Women").check()
    expect(page.locator("#listing .grid .card")).to_have_count(3)
    assert "gender=Women" in page.url
    page.locator(".card a").first.click()
    expect(page.locator('[data-block="similar"] [data-product-id]')).to_have_count(2)


@pytest.mark.parametrize("path", ["/products/", "product/similar/"])
def test_a_filter_keeps_focus_and_stays_expanded(page: Page, shop: str, path: str) -> None:
    for colour in ("Gold", "Olive", "Pink", "White"):
        make_product(base_colour=colour)
    page.goto(address_of(shop, path))
    page.get_by_text("Show all").click()
    white = page.get_by_role("checkbox", name="White")  # the last
    for ticked in (True, False):
        white.focus()
        page.keyboard.press("Space")
        page.wait_for_url(lambda url, ticked=ticked: ("colour=White" in url) is ticked)
        expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
        expect(white).to_be_checked(checked=ticked)
        expect(white).to_be_focused()
        expect(white).to_be_visible()


def test_sorting_keeps_focus(page: Page, shop: str) -> None:
    page.goto(f"{shop}/products/")
    order = page.get_by_label("Sort by")
    order.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**/products/?*sort=*")
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    expect(order).to_be_focused()


def test_filters_expand_on_a_phone(page: Page, shop: str) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"{shop}/categories/apparel/")
    expect(page.get_by_label("Women")).to_be_hidden()
    page.locator(".fold > summary").click()
    page.get_by_label("Women").check()
    expect(page.locator("#listing .grid .card")).to_have_count(3)


def test_an_image_is_enlarged_and_closed_by_keyboard(page: Page, shop: str) -> None:
    page.goto(address_of(shop, "product"))
    page.locator("a.zoom").first.click()
    expect(page.locator("dialog.zoomed")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.zoomed")).to_be_hidden()
    expect(page.locator("a.zoom").first).to_be_focused()


def test_a_photo_finds_five_products_through_a_real_worker(
    page: Page, shop: str, search_worker: None, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(picture_bytes("red", (200, 300), "PNG"))
    page.goto(f"{shop}/photo-search/")
    page.set_input_files("#photo", photo)
    page.wait_for_url("**/photo-search/*/")
    cards = page.locator('[data-block="photo"] [data-product-id]')
    expect(cards).to_have_count(5, timeout=60_000)
    expect(cards.first).to_contain_text("Red Shirt")
    expect(page).to_have_title(re.compile("^Similar items for your photo"))
    expect(page.locator("#main")).to_be_focused()
    expect(page.locator('input[name="gender"]').first).to_be_visible()
    page.reload()
    expect(cards).to_have_count(5)


def test_a_second_photo_is_searched_after_going_back(
    page: Page, shop: str, search_worker: None, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(picture_bytes("red", (200, 300), "PNG"))
    page.goto(f"{shop}/photo-search/")
    cards = page.locator('[data-block="photo"] [data-product-id]')
    for reloads in (False, True, False):
        page.set_input_files("#photo", photo)
        page.wait_for_url("**/photo-search/*/")
        expect(cards).to_have_count(5, timeout=60_000)
        if reloads:
            page.reload()
            expect(cards).to_have_count(5)
        page.go_back()
        expect(page.locator("#photo-form")).to_be_visible()


def test_without_a_worker_the_page_says_so_and_keeps_polling(page: Page, shop: str) -> None:
    page.goto(f"{shop}/photo-search/")
    page.locator(".samples button").first.click()
    expect(page.locator("[data-state=waiting]")).to_contain_text("Searching …")
    expect(page.locator("[data-state=waiting]")).to_contain_text("still searching", timeout=15_000)


def test_a_bad_file_is_explained(page: Page, shop: str, tmp_path: Path) -> None:
    text = tmp_path / "photo.jpg"
    text.write_text("no picture")
    page.goto(f"{shop}/photo-search/")
    page.set_input_files("#photo", text)
    expect(page.get_by_role("alert")).to_contain_text("can’t read this file")
    assert page.url == f"{shop}/photo-search/"


def test_pages_work_without_javascript(browser, shop: str) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop}/products/?gender=Men")
    expect(page.locator(".card")).to_have_count(4)
    context.close()
