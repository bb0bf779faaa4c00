"""Axe finds nothing serious on any page of the shop, nor in what opens on it."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from shop.catalogue.models import Product
from shop.pages.models import Page as WrittenPage
from shop.reviews.links import review_path
from shop.reviews.models import Review
from shop.wishlist.models import SharedWishlist
from tests.browser.axe import MODES, choose_language, serious
from tests.browser.pages import ACCOUNT_PATHS, PATHS, address_of, sign_in
from tests.factories import (
    make_customer,
    make_order,
    make_photo,
    make_product,
    make_stored_image,
    picture_bytes,
)

pytestmark = pytest.mark.browser
ALLAUTH_PATHS = (
    *("/account/confirm-email/", "/account/inactive/", "/account/password/reset/done/"),
    "/account/password/reset/key/done/",
)
SIGNED_IN_PATHS = (
    *("/account/reauthenticate/", "/account/two-factor/", "/account/two-factor/totp/activate/"),
    *("/saved/", "/checkout/"),
)


@pytest.fixture
def other_paths(filled: str) -> list[str]:
    """Create what has a page only when it exists; return the paths."""
    product = Product.objects.get(name="Red Shirt")
    delivered = make_order(state="delivered")
    Review.objects.create(
        product=product,
        order=delivered,
        name="A",
        stars=4,
        fit="true",
        text="Soft.",
        state=Review.State.PUBLISHED,
    )
    gone = make_product(category=product.category, listed=False)
    make_stored_image(gone)
    pages = [
        WrittenPage.objects.create(
            slug="delivery",
            language=language,
            title="Delivery",
            text="# a\n\n|a|b|\n|-|-|\n|1|2|",
            published=True,
        )
        for language in MODES
    ]
    photo, waiting = (make_photo(*seen, content=picture_bytes()) for seen in ([1], []))
    shared = SharedWishlist.objects.create(user=make_customer("bob@example.com"))
    return [
        gone.get_absolute_url(),
        pages[0].get_absolute_url(),
        f"{product.get_absolute_url()}reviews/",
        review_path(delivered, delivered.lines.get().variant.product),
        waiting.get_absolute_url(),
        f"{photo.get_absolute_url()}?facets=1",
        shared.get_absolute_url(),
        "/search/?q=delivery",
        "/products/?colour=Red&colour=Navy&in_stock=1",
    ]


@pytest.mark.parametrize("language", MODES)
def test_axe_finds_nothing_serious_on_any_page(page: Page, filled: str, language: str) -> None:
    choose_language(page, filled, language)
    found = []
    for path in (*PATHS, *ALLAUTH_PATHS):
        page.goto(address_of(filled, path))
        found += serious(page, language)
    assert found == []


@pytest.mark.parametrize("language", MODES)
def test_axe_finds_nothing_serious_on_pages_of_what_is_rarer(
    page: Page, filled: str, other_paths: list[str], language: str
) -> None:
    choose_language(page, filled, language)
    found = []
    for path in other_paths:
        page.goto(filled + path)
        found += serious(page, language)
    for template in ("413.html", "500.html", "503.html"):
        page.goto(f"{filled}/robots.txt")
        page.set_content(render_to_string(template))
        found += serious(page, language)
    assert found == []


@pytest.mark.parametrize("language", MODES)
def test_axe_finds_nothing_serious_on_the_pages_of_an_account(
    page: Page, filled: str, language: str
) -> None:
    sign_in(page, filled)
    choose_language(page, filled, language)
    found = []
    for path in (*ACCOUNT_PATHS, *SIGNED_IN_PATHS):
        page.goto(filled + path)
        found += serious(page, language)
    assert found == []


@pytest.mark.parametrize("language", MODES)
def test_axe_finds_nothing_serious_in_what_opens_on_a_page(
    page: Page, filled: str, language: str
) -> None:
    found = []

    def check() -> None:
        found.extend(serious(page, language))
        page.set_viewport_size({"width": 375, "height": 812})

    choose_language(page, filled, language)
    page.set_viewport_size({"width": 375, "height": 812})
    page.goto(filled)
    page.locator(".menu-button").click()
    page.locator(".site-nav summary").first.click()
    check()
    page.goto(filled)
    page.locator("#q").press_sequentially("shir")
    expect(page.locator("#suggestions [role=option]").first).to_be_visible()
    check()
    page.goto(f"{filled}/products/")
    page.locator("#filters > summary").click()
    check()
    page.goto(address_of(filled, "product"))
    page.locator("a.zoom").first.click()
    check()
    page.keyboard.press("Escape")
    page.locator(".buy-bar button").click()
    expect(page.locator("#cart-panel")).to_be_visible()
    check()
    assert found == []
