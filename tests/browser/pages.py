"""The pages that the browser tests visit."""

from __future__ import annotations

from playwright.sync_api import Page

from shop.catalogue.models import Product
from shop.orders.models import Order
from tests.factories import make_customer, make_order, make_photo, picture_bytes

PATHS = (
    *("/", "/categories/apparel/", "/search/?q=shirt", "/search/?q=zzzz", "/photo-search/"),
    *("product", "sold-out", "/cart/", "/checkout/", "order", "order/invoice", "/saved/"),
    *(
        "product/similar/?not_colour=Red",
        "part",
        "photo",
        "/privacy/",
        "/none/",
        "/account/login/",
        "/account/signup/",
        "/account/password/reset/",
    ),
)
ACCOUNT_PATHS = (
    *("/account/", "/account/orders/", "/account/addresses/", "/account/addresses/new/"),
    *("/account/email/", "/account/password/change/", "/account/delete/", "/account/logout/"),
)


def address_of(shop: str, path: str) -> str:
    """Return the address of a path of ``PATHS``, some of which name what a test created."""
    if path.startswith("product"):
        product = Product.objects.get(name="Red Shirt")
        return shop + product.get_absolute_url() + path.removeprefix("product").lstrip("/")
    if path == "part":
        image = Product.objects.get(name="Red Shirt").images.get()
        return f"{shop}/photo-search/part/?image={image.pk}"
    if path == "photo":
        return shop + make_photo(1, content=picture_bytes()).get_absolute_url()
    if path == "sold-out":
        return shop + Product.objects.get(name="Teal Shirt").get_absolute_url()
    if path.startswith("order"):
        order = Order.objects.get(idempotency_key="seen")
        return shop + order.get_absolute_url() + path.removeprefix("order").lstrip("/")
    return shop + path


def sign_in(page: Page, shop: str) -> None:
    user = make_customer("alice@example.com", "correct-horse-7")
    make_order(user=user)
    contact = {"name": "A", "street": "B", "postcode": "1", "city": "C", "country": "D"}
    user.addresses.create(**contact)
    page.goto(f"{shop}/account/login/")
    page.get_by_label("Email").fill("alice@example.com")
    page.get_by_label("Password").fill("correct-horse-7")
    page.get_by_role("button", name="Sign In").click()
    page.wait_for_url("**/account/")
