"""Choose a size and add to the cart: on a phone, by keyboard, and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from shop.cart.models import CartLine
from shop.catalogue.models import Product
from tests.factories import make_stored_image, make_variant

pytestmark = pytest.mark.browser
COLOURS = ("navy", "green", "orange", "purple")
LONGEST_NAME = ("Pre-washed Slim Fit Mid-rise Stretch Jeans with Embroidered Pockets " * 4)[:255]


@pytest.fixture
def product(shop: str) -> Product:
    """Return a product in two sizes, with one picture."""
    product = Product.objects.get(name="Red Shirt")
    product.variants.update(size="S", stock=0)
    make_variant(product, size="M", stock=5)
    return product


@pytest.fixture
def address(shop: str, product: Product) -> str:
    for position, colour in enumerate(COLOURS, start=1):
        make_stored_image(product, colour, position=position)
    return shop + product.get_absolute_url()


def _quantities() -> list[int]:
    return list(CartLine.objects.values_list("quantity", flat=True))


@pytest.mark.parametrize("pictures", [1, 5])
@pytest.mark.parametrize("name", ["Tee", "Red Shirt", LONGEST_NAME])
def test_sizes_and_the_button_are_in_view_on_a_phone(
    page: Page, address: str, product: Product, pictures: int, name: str
) -> None:
    Product.objects.filter(pk=product.pk).update(name=name)
    product.images.filter(position__gte=pictures).delete()
    page.set_viewport_size({"width": 375, "height": 812})
    page.goto(address)
    expect(page.locator(".stage .zoom")).to_have_count(pictures)
    expect(page.get_by_role("button", name="Add to cart")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    assert page.locator(".sizes").bounding_box()["y"] < 900  # type: ignore[index]
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


@pytest.mark.parametrize("width", [700, 768, 1440])
def test_details_are_beside_the_images_from_700_pixels(
    page: Page, address: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address)
    stage, facts = (page.locator(part).bounding_box() for part in (".stage", ".facts"))
    assert stage is not None
    assert facts is not None
    assert stage["x"] + stage["width"] < facts["x"]
    expect(page.get_by_role("button", name="Add to cart")).to_be_in_viewport(ratio=1)


def test_a_tint_is_not_visible_beside_the_image(page: Page, address: str) -> None:
    page.goto(address)
    image = page.locator(".stage img").first
    expect(image).to_have_attribute("data-tint", "red")
    expect(image).to_have_css("background-color", "rgba(0, 0, 0, 0)")


def test_thumbnails_and_arrows_change_the_image(page: Page, address: str) -> None:
    page.goto(address)
    second = page.locator(".stage .zoom").nth(1)
    page.get_by_role("link", name="Image 2").click()
    expect(second).to_be_in_viewport(ratio=0.9)
    expect(page.get_by_role("link", name="Image 2")).to_have_attribute("aria-current", "true")
    detail = page.get_by_role("link", name="Search a detail")
    expect(detail).to_have_attribute("href", second.get_attribute("data-detail") or "")
    page.get_by_role("button", name="Previous image").click()
    expect(page.locator(".stage .zoom").first).to_be_in_viewport(ratio=0.9)
    page.get_by_role("button", name="Previous image").click()
    expect(page.locator(".stage .zoom").last).to_be_in_viewport(ratio=0.9)


def test_enlarged_images_are_changed_by_keyboard(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".stage .zoom").first.click()
    pictures = page.locator(".zoomed .slides img")
    expect(pictures).to_have_count(5)
    expect(pictures.first).to_be_in_viewport()
    page.keyboard.press("ArrowRight")
    expect(pictures.nth(1)).to_be_in_viewport(ratio=0.9)
    page.keyboard.press("Escape")
    expect(page.locator(".stage .zoom").nth(1)).to_be_in_viewport(ratio=0.9)
    expect(page.locator(".stage .zoom").nth(1)).to_be_focused()


@pytest.mark.parametrize("width", [375, 1440])
def test_a_missing_size_is_reported_beside_the_sizes(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 812})
    page.goto(address)
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#buy-error")).to_have_text("Please select a size.")
    expect(page.locator("#buy-error")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("radio", name="M")).to_be_focused()
    expect(page.locator("#failure")).to_be_empty()
    assert _quantities() == []


def test_adding_to_cart_by_keyboard_stays_on_the_page(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("radio", name="M").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="Added to cart")
    expect(panel).to_contain_text("Red Shirt")
    expect(panel.get_by_role("heading", name="Added to cart")).to_be_focused()
    expect(page.locator("#cart-link .badge-count")).to_have_text("1")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Add to cart")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#cart-link .badge-count")).to_have_text("2")
    panel.get_by_role("link", name="View cart").click()
    expect(page.get_by_role("spinbutton")).to_have_value("2")
    assert page.url.endswith("/cart/")


def test_when_the_server_is_down_the_page_says_so_and_nothing_is_added(
    page: Page, address: str
) -> None:
    page.goto(address)
    page.locator(".sizes").get_by_text("M", exact=True).click()
    page.route("**/cart/add/", lambda route: route.abort("connectionfailed"))
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#failure")).to_contain_text("Reload the page")
    expect(page.locator("#cart-panel")).to_be_hidden()
    assert _quantities() == []


def test_without_javascript_the_cart_page_is_shown(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("link", name="Image 3").click()
    expect(page.locator(".stage .zoom").nth(2)).to_be_in_viewport(ratio=0.9)
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#buy-error")).to_have_text("Please select a size.")
    assert _quantities() == []
    page.locator(".sizes").get_by_text("M", exact=True).click()
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator(".cart-line")).to_contain_text("Red Shirt")
    page.get_by_role("button", name="Increase quantity").click()
    expect(page.get_by_role("spinbutton")).to_have_value("2")
    page.get_by_role("spinbutton").fill("4")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("spinbutton")).to_have_value("4")
    assert _quantities() == [4]
    context.close()


def test_the_quantity_steppers_submit_themselves(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".sizes").get_by_text("M", exact=True).click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="View cart").click()
    more = page.get_by_role("button", name="Increase quantity")
    for _click in range(2):
        more.click()
    expect(page.locator("#cart-link .badge-count")).to_have_text("3")
    expect(page.locator(".summary")).to_contain_text("€60.00")
    assert _quantities() == [3]
    page.get_by_role("spinbutton").fill("9")
    page.keyboard.press("Tab")
    expect(page.locator("#messages")).to_contain_text("Only 5 left of “Red Shirt (M)”.")
    expect(page.get_by_role("spinbutton")).to_have_value("3")
    page.get_by_role("button", name=re.compile("^Remove")).click()
    expect(page.locator("#cart")).to_contain_text("Your cart is empty")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("spinbutton")).to_have_value("3")
