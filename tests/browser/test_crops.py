"""Search a detail of a picture: drawn, tapped, and by the keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from recommender.models import QueryPhoto
from recommender.photo_search import photos
from tests.factories import picture_bytes

pytestmark = pytest.mark.browser


@pytest.fixture
def stage(page: Page, shop: str) -> Page:
    """Open the crop page of a photo of 400 x 400 pixels."""
    photo = photos.store_photo(picture_bytes("red", (400, 400)))
    page.goto(f"{shop}/photo-search/part/?photo={photo.pk}")
    expect(page.locator(".crop-frame")).to_be_visible()
    return page


def _sides(page: Page) -> list[int]:
    return [
        int(page.locator(f"[name={name}]").input_value())
        for name in ("left", "top", "right", "bottom")
    ]


def _region(page: Page) -> str:
    page.wait_for_url(lambda url: "/part/" not in url)
    return QueryPhoto.objects.get(parent__isnull=False).crop_box


def test_a_drawn_frame_is_searched(stage: Page) -> None:
    box = stage.locator("#crop-stage").bounding_box()
    assert box is not None
    stage.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.2)
    stage.mouse.down()
    stage.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.9)
    stage.mouse.up()
    assert _sides(stage) == [10, 20, 60, 90]
    stage.get_by_role("button", name="Find similar items").click()
    assert _region(stage) == "0.1,0.2,0.6,0.9"


def test_a_tap_frames_its_surroundings(stage: Page) -> None:
    box = stage.locator("#crop-stage").bounding_box()
    assert box is not None
    stage.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.5)
    assert _sides(stage) == [50, 25, 100, 75]


def test_a_crop_is_moved_resized_and_searched_by_keyboard(stage: Page) -> None:
    stage.locator(".crop-frame").focus()
    for _ in range(5):
        stage.keyboard.press("Shift+ArrowLeft")
    stage.keyboard.press("Shift+ArrowUp")
    stage.keyboard.press("ArrowRight")
    stage.keyboard.press("ArrowDown")
    assert _sides(stage) == [2, 2, 92, 100]
    stage.keyboard.press("Enter")
    assert _region(stage) == "0.02,0.02,0.92,1"


def test_a_preset_of_a_product_image_is_searched_at_once(page: Page, shop: str) -> None:
    page.goto(f"{shop}/products/")
    page.locator(".card > a").first.click()
    page.get_by_role("link", name="Search a detail").click()
    page.get_by_role("button", name="Upper half").click()
    page.wait_for_url(lambda url: "/part/" not in url)
    assert QueryPhoto.objects.get().crop_box == "0,0,1,0.5"
    page.get_by_role("link", name="Select another detail").click()
    assert _sides(page) == [0, 0, 100, 50]


def test_without_javascript_the_number_fields_set_the_crop(browser, shop: str) -> None:  # type: ignore[no-untyped-def]
    photo = photos.store_photo(picture_bytes("red", (400, 400)))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop}/photo-search/part/?photo={photo.pk}")
    page.get_by_text("Exact position").first.click()
    page.get_by_label("Right", exact=True).fill("50")
    page.get_by_role("button", name="Find similar items").click()
    assert _region(page) == "0,0,0.5,1"
    context.close()
