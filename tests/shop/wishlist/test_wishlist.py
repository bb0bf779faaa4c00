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


def test_a_guest_saves_and_forgets(client: Client) -> None:
    shirt = make_product(name="Blue Shirt")
    assert _heart(client, shirt.pk)["Location"] == "/products/"
    page = client.get("/saved/").content.decode()
    assert "Blue Shirt" in page
    assert 'aria-pressed="true"' in page
    _heart(client, shirt.pk)
    assert "Your wishlist is empty" in client.get("/saved/").content.decode()


def test_what_a_guest_saved_is_there_after_signing_in(client: Client) -> None:
    shirt, cap = make_product(), make_product()
    alice = make_customer("alice@example.com", password="correct-horse-7")
    SavedProduct.objects.create(user=alice, product=cap)
    _heart(client, shirt.pk)
    _heart(client, cap.pk)
    client.post("/account/login/", {"login": alice.email, "password": "correct-horse-7"})
    saved = SavedProduct.objects.filter(user=alice).order_by("pk")
    assert [row.product for row in saved] == [cap, shirt]


def test_htmx_gets_the_heart_alone(client: Client) -> None:
    content = _heart(client, make_product().pk, **{"HX-Request": "true"}).content.decode()
    assert one_line(content).startswith('<form class="heart"')
    assert 'aria-pressed="true"' in content


def test_a_heart_never_leads_to_another_site(client: Client) -> None:
    product = make_product()
    response = client.post(f"/saved/{product.pk}/", {"next": "https://evil.example/"})
    assert response["Location"] == "/saved/"


def test_a_heart_leads_to_a_relative_address(client: Client) -> None:
    product = make_product()
    response = client.post(f"/saved/{product.pk}/", {"next": "foo"})
    assert (response.status_code, response["Location"]) == (302, "foo")


def test_what_is_not_sold_cannot_be_saved(client: Client) -> None:
    assert _heart(client, make_product(listed=False).pk).status_code == 404
    assert _heart(client, 10**15).status_code == 404


def test_the_last_ones_seen_are_shown_without_this_one(client: Client) -> None:
    first, second = make_product(name="First"), make_product(name="Second")
    empty = client.get("/recently-viewed/", {"product": first.pk})
    assert empty.content.strip() == b""
    page = client.get("/recently-viewed/", {"product": second.pk}).content.decode()
    assert "First" in page
    assert "Second" not in page
    assert client.cookies["recent"].value == f"{second.pk}.{first.pk}"
    assert client.cookies["recent"]["httponly"]


@pytest.mark.parametrize("value", ["", "x", "1.2.x", "9" * 40, "²", "1;DROP"])
def test_a_strange_cookie_does_no_harm(client: Client, value: str) -> None:
    client.cookies["recent"] = value
    assert client.get("/recently-viewed/", {"product": value}).status_code == 200


def test_one_mail_when_it_is_back(client: Client) -> None:
    variant = make_product(name="Blue Shirt", stock=0).variants.get()
    page = client.get(variant.product.get_absolute_url()).content.decode()
    assert "Notify me" in page
    for _time in range(2):
        client.post("/stock-alerts/", {"variant": variant.pk, "email": "Alice@Example.com"})
    assert send_stock_alerts() == 0
    Variant.objects.update(stock=F("stock") + 1)
    assert (send_stock_alerts(), send_stock_alerts()) == (1, 0)
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["alice@example.com"], "Blue Shirt is back")
    assert variant.product.get_absolute_url() in message.body
    assert not StockAlert.objects.exists()


def test_a_name_of_two_lines_makes_a_subject_of_one() -> None:
    variant = make_product(name="Blue\nShirt").variants.get()
    StockAlert.objects.create(variant=variant, email="alice@example.com", language="en")
    assert send_stock_alerts() == 1
    assert mail.outbox[0].subject == "Blue Shirt is back"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "nobody"}, "Enter a valid email address."),
        ({"variant": "0"}, "no longer available"),
        ({"variant": ""}, "This field is required."),
    ],
)
def test_a_wrong_wish_is_explained(client: Client, changes: dict[str, str], message: str) -> None:
    product = make_product(stock=0)
    values = {"variant": product.variants.get().pk, "email": "a@example.com"} | changes
    page = client.post("/stock-alerts/", values | {"product": product.slug}, follow=True)
    assert message in page.content.decode()
    assert not StockAlert.objects.exists()


def test_what_is_in_stock_needs_no_alert(client: Client) -> None:
    variant = make_product().variants.get()
    values = {"variant": variant.pk, "email": "a@example.com"}
    assert "is in stock now" in client.post("/stock-alerts/", values, follow=True).content.decode()
    assert not StockAlert.objects.exists()


def test_an_alert_keeps_its_address_but_for_the_case_of_ascii_letters(client: Client) -> None:
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
    assert f"Try again in {minutes} minute" in page
    assert StockAlert.objects.count() == 1
