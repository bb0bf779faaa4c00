from __future__ import annotations

import pytest
from django.core import mail
from django.db.models import F
from django.test import Client

from shop.catalogue.models import Variant
from shop.wishlist.alerts import send_stock_alerts
from shop.wishlist.models import SavedProduct, StockAlert
from tests.factories import make_customer, make_product
from tests.html import one_line

pytestmark = pytest.mark.django_db


def _heart(client: Client, pk: int, **headers: str):  # type: ignore[no-untyped-def]
    return client.post(f"/saved/{pk}/", {"next": "/products/"}, headers=headers)


def test_a_guest_saves_and_removes_a_product(client: Client) -> None:
    shirt = make_product(name="Blue Shirt")
    assert _heart(client, shirt.pk)["Location"] == "/products/"
    page = client.get("/saved/").content.decode()
    assert "Blue Shirt" in page
    assert 'aria-pressed="true"' in page
    _heart(client, shirt.pk)
    assert "Your wishlist is empty" in client.get("/saved/").content.decode()


def test_a_guests_wishlist_is_merged_at_sign_in(client: Client) -> None:
    shirt, cap = make_product(), make_product()
    alice = make_customer("alice@example.com", password="correct-horse-7")
    SavedProduct.objects.create(user=alice, product=cap)
    _heart(client, shirt.pk)
    _heart(client, cap.pk)
    client.post("/account/login/", {"login": alice.email, "password": "correct-horse-7"})
    saved = SavedProduct.objects.filter(user=alice).order_by("pk")
    assert [row.product for row in saved] == [cap, shirt]


def test_htmx_gets_only_the_button(client: Client) -> None:
    content = _heart(client, make_product().pk, **{"HX-Request": "true"}).content.decode()
    assert one_line(content).startswith('<form class="heart"')
    assert 'aria-pressed="true"' in content


def test_saving_never_redirects_to_another_site(client: Client) -> None:
    product = make_product()
    response = client.post(f"/saved/{product.pk}/", {"next": "https://evil.example/"})
    assert response["Location"] == "/saved/"


def test_saving_redirects_to_a_relative_url(client: Client) -> None:
    product = make_product()
    response = client.post(f"/saved/{product.pk}/", {"next": "foo"})
    assert (response.status_code, response["Location"]) == (302, "foo")


def test_an_unlisted_product_cannot_be_saved(client: Client) -> None:
    assert _heart(client, make_product(listed=False).pk).status_code == 404
    assert _heart(client, 10**15).status_code == 404


def test_recently_viewed_products_exclude_the_current_one(client: Client) -> None:
    first, second = make_product(name="First"), make_product(name="Second")
    empty = client.get("/recently-viewed/", {"product": first.pk})
    assert empty.content.strip() == b""
    page = client.get("/recently-viewed/", {"product": second.pk}).content.decode()
    assert "First" in page
    assert "Second" not in page
    assert client.cookies["recent"].value == f"{second.pk}.{first.pk}"
    assert client.cookies["recent"]["httponly"]


@pytest.mark.parametrize("value", ["", "x", "1.2.x", "9" * 40, "²", "1;DROP"])
def test_an_invalid_cookie_is_ignored(client: Client, value: str) -> None:
    client.cookies["recent"] = value
    assert client.get("/recently-viewed/", {"product": value}).status_code == 200


def test_one_email_is_sent_when_a_variant_is_back(client: Client) -> None:
    variant = make_product(name="Blue Shirt", stock=0).variants.get()
    page = client.get(variant.product.get_absolute_url()).content.decode()
    assert "Notify me" in page
    for _time in range(2):
        client.post("/stock-alerts/", {"variant": variant.pk, "email": "Alice@Example.com"})
    assert send_stock_alerts() == 0
    Variant.objects.update(stock=F("stock") + 1)
    assert (send_stock_alerts(), send_stock_alerts()) == (1, 0)
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["alice@example.com"], "Blue Shirt is back in stock")
    assert variant.product.get_absolute_url() in message.body
    assert not StockAlert.objects.exists()


def test_a_multiline_name_gives_a_one_line_subject() -> None:
    variant = make_product(name="Blue\nShirt").variants.get()
    StockAlert.objects.create(variant=variant, email="alice@example.com", language="en")
    assert send_stock_alerts() == 1
    assert mail.outbox[0].subject == "Blue Shirt is back in stock"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "nobody"}, "Enter a valid email address."),
        ({"variant": "0"}, "no longer available"),
        ({"variant": ""}, "This field is required."),
    ],
)
def test_an_invalid_alert_is_explained(
    client: Client, changes: dict[str, str], message: str
) -> None:
    product = make_product(stock=0)
    values = {"variant": product.variants.get().pk, "email": "a@example.com"} | changes
    page = client.post("/stock-alerts/", values | {"product": product.slug}, follow=True)
    assert message in page.content.decode()
    assert not StockAlert.objects.exists()


def test_a_variant_in_stock_needs_no_alert(client: Client) -> None:
    variant = make_product().variants.get()
    values = {"variant": variant.pk, "email": "a@example.com"}
    assert "is in stock now" in client.post("/stock-alerts/", values, follow=True).content.decode()
    assert not StockAlert.objects.exists()


def test_an_alerts_email_is_lowercased_only_in_ascii(client: Client) -> None:
    variant = make_product(stock=0).variants.get()
    values = {"variant": variant.pk, "email": "Kim@Öl\u212a.example"}  # the kelvin sign
    client.post("/stock-alerts/", values)
    assert StockAlert.objects.get().email == "kim@Öl\u212a.example"


def test_alerts_are_limited(client: Client, settings) -> None:  # type: ignore[no-untyped-def]
    settings.STOCK_ALERTS_PER_HOUR = 1
    variant = make_product(stock=0).variants.get()
    values = {"variant": variant.pk, "email": "a@example.com"}
    address = {"REMOTE_ADDR": "192.0.2.77"}
    assert client.post("/stock-alerts/", values, **address).status_code == 302
    values["email"] = "b@example.com"
    response = client.post("/stock-alerts/", values, **address)
    assert response.status_code == 429
    minutes = int(response["Retry-After"]) // 60
    assert 1 <= minutes <= 60
    page = one_line(response.content.decode())
    assert "<h1>Too many requests</h1>" in page
    assert f"try again in {minutes} minute" in page
    assert StockAlert.objects.count() == 1
