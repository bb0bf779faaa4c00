from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.chromium import find_chromium
from recommender.embedding.worker import embed_pending
from recommender.models import EmbeddingModel
from shop.catalogue.browsing.spelling import refresh_search_words
from shop.catalogue.models import Product
from shop.orders.models import ShippingMethod, Voucher
from tests.factories import (
    make_category,
    make_order,
    make_product,
    make_stored_image,
    make_variant,
)

# Because Playwright's event loop runs in this thread, where Django refuses database queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
CONTACT = {
    "name": "Alice Doe",
    "street": "1 High Street",
    "postcode": "12345",
    "city": "Springfield",
    "country": "DE",
}
COLOURS = ("red", "navy", "green", "orange", "purple", "teal", "maroon")


@pytest.fixture(scope="session")
def browser(django_db_setup: None) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()
        # Django keeps connections of their own for the event loop; open, they would keep the test
        # database from being dropped.
        connections.close_all()


@pytest.fixture(autouse=True)
def _contexts_closed(browser: Browser) -> Iterator[None]:
    """Close the browser contexts that a test leaves open, because their requests would go on."""
    yield
    for context in browser.contexts:
        context.close()


@pytest.fixture
def page(browser: Browser) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    return page


@pytest.fixture
def shop(transactional_db: None, live_server: Any) -> str:
    """Return the URL of a small shop whose images are all embedded."""
    for number, colour in enumerate(COLOURS):
        product = make_product(
            name=f"{colour.title()} Shirt",
            brand="Acme",
            gender=Product.Gender.WOMEN if number % 2 else Product.Gender.MEN,
            base_colour=colour.title(),
            category=make_category("Apparel", "Topwear", "Shirts" if number else "Tops"),
        )
        make_stored_image(product, colour)
    embed_pending(EmbeddingModel.objects.active())
    return str(live_server.url)


@pytest.fixture
def stocked(shop: str) -> str:
    """Return the URL of the small shop, with sizes, a voucher and a shipping method."""
    for product in Product.objects.all():
        product.variants.update(size="S", stock=0)
        make_variant(product, size="M", stock=5)
    method = {"price": Decimal("4.95"), "free_from": Decimal(60)}
    ShippingMethod.objects.update_or_create(name="Standard", defaults=method)
    Voucher.objects.create(code="SUMMER", kind="percentage", value=10)
    refresh_search_words()
    return shop


@pytest.fixture
def filled(page: Page, shop: str) -> str:
    """Return the URL of a shop whose visitor has a cart, a wishlist and an order."""
    ShippingMethod.objects.update_or_create(name="Standard", defaults={"price": 5})
    make_order(idempotency_key="seen")
    Product.objects.get(name="Teal Shirt").variants.update(stock=0)
    page.goto(f"{shop}/products/")
    page.locator(".card .heart button").first.click()
    expect(page.locator(".card .heart [aria-pressed=true]")).to_have_count(1)
    page.locator(".card > a").first.click()
    page.get_by_role("button", name="Add to cart").click()
    page.locator("#cart-panel").get_by_role("link", name="View cart").click()
    expect(page.locator(".cart-line")).to_have_count(1)
    return shop


@pytest.fixture
def search_worker(transactional_db: None) -> Iterator[None]:
    """Run a Celery worker for the queue ``search`` on the test's database."""
    database = connection.settings_dict["NAME"]
    program = (
        "from django.conf import settings;"
        f"settings.DATABASES['default']['NAME'] = {database!r};"
        "from config.celery import app;"
        "app.worker_main(['worker', '-Q', 'search', '-P', 'solo', '-l', 'WARNING',"
        "'--without-gossip', '--without-mingle'])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    try:
        yield
    finally:
        process.terminate()
        deadline = time.monotonic() + 15
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.wait()
