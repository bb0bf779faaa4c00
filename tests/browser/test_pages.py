from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.factories import picture_bytes

pytestmark = pytest.mark.browser
PATHS = ("/", "/categories/apparel/", "/search/?q=shirt", "/photo-search/", "product")


def _path(page: Page, shop: str, path: str) -> str:
    if path != "product":
        return shop + path
    page.goto(f"{shop}/products/")
    return shop + (page.locator(".card a").first.get_attribute("href") or "")


@pytest.mark.parametrize("width", [375, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_main_pages(
    page: Page, shop: str, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    serious = []
    for path in PATHS:
        page.goto(_path(page, shop, path))
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in {"serious", "critical"}:
                targets = [node["target"] for node in violation["nodes"][:3]]
                serious.append((path, violation["id"], targets))
    assert serious == []


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_no_page_scrolls_sideways_and_no_picture_shifts_it(
    page: Page, shop: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => { for (const entry of"
        " list.getEntries()) window.shift += entry.value; })"
        ".observe({type: 'layout-shift', buffered: true});"
    )
    for path in PATHS:
        page.goto(_path(page, shop, path), wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate("window.shift") < 0.01, path


def test_nothing_is_refused_by_the_content_security_policy(page: Page, shop: str) -> None:
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for path in PATHS:
        page.goto(_path(page, shop, path), wait_until="networkidle")
    assert problems == []


def test_a_shopper_filters_and_meets_five_lookalikes(page: Page, shop: str) -> None:
    page.goto(f"{shop}/categories/apparel/")
    expect(page.locator(".card")).to_have_count(7)
    page.get_by_label("Women").check()
    expect(page.locator("#listing .grid .card")).to_have_count(3)
    assert "gender=Women" in page.url
    page.locator(".card a").first.click()
    expect(page.locator('[data-block="similar"] [data-product-id]')).to_have_count(5)


def test_filters_unfold_on_a_phone(page: Page, shop: str) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"{shop}/categories/apparel/")
    expect(page.get_by_label("Women")).to_be_hidden()
    page.locator(".fold > summary").click()
    page.get_by_label("Women").check()
    expect(page.locator("#listing .grid .card")).to_have_count(3)


def test_a_picture_opens_large_and_closes_by_key(page: Page, shop: str) -> None:
    page.goto(_path(page, shop, "product"))
    page.locator("a.zoom").first.click()
    expect(page.locator("dialog.zoomed")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.zoomed")).to_have_count(0)


def test_a_photo_finds_five_through_a_real_worker(
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
    page.reload()
    expect(cards).to_have_count(5)


def test_without_a_worker_the_page_says_so_and_keeps_trying(page: Page, shop: str) -> None:
    page.goto(f"{shop}/photo-search/")
    page.locator(".samples button").first.click()
    expect(page.locator("[data-state=waiting]")).to_contain_text("Looking at your photo")
    expect(page.locator("[data-state=waiting]")).to_contain_text("nobody is free", timeout=15_000)


def test_a_bad_file_is_explained(page: Page, shop: str, tmp_path: Path) -> None:
    text = tmp_path / "photo.jpg"
    text.write_text("no picture")
    page.goto(f"{shop}/photo-search/")
    page.set_input_files("#photo", text)
    expect(page.get_by_role("alert")).to_contain_text("not a picture we can read")


def test_pages_work_without_javascript(browser, shop: str) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop}/products/?gender=Men")
    expect(page.locator(".card")).to_have_count(4)
    context.close()
