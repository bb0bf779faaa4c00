from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from shop.core.countries import country_name, find_country
from shop.orders.models import Order, ShippingMethod
from shop.pages.models import Page
from tests.factories import make_customer, make_order, make_product, make_stored_image
from tests.html import one_line

pytestmark = pytest.mark.django_db
CHECKOUT = reverse("orders:checkout")
GERMAN = {"headers": {"Accept-Language": "de"}}


def fill(client: Client) -> None:
    product = make_product(name="Blue Shirt", price=Decimal(20))
    make_stored_image(product)
    client.post(reverse("cart:add"), {"variant": product.variants.get().pk})


def contact(**changes: Any) -> dict[str, Any]:
    values = {"email": "a@b.example", "name": "Alice Doe", "street": "1 High Street"}
    values |= {"postcode": "12345", "city": "Springfield", "country": "DE", "phone": ""}
    method = ShippingMethod.objects.get(name="Standard").pk
    return values | {"method": method, "payment": "invoice", "key": "k1"} | changes


def test_delivery_countries_are_named_in_the_shoppers_language(
    client: Client, settings: Any
) -> None:
    settings.DELIVERY_COUNTRIES = ["DE", "AT"]
    fill(client)
    page = one_line(client.get(CHECKOUT).content.decode())
    assert '<option value="AT">Austria</option><option value="DE">Germany</option>' in page
    page = one_line(client.get(CHECKOUT, **GERMAN).content.decode())
    assert '<option value="DE">Deutschland</option><option value="AT">Österreich</option>' in page


def test_a_country_without_delivery_is_refused(client: Client, settings: Any) -> None:
    settings.DELIVERY_COUNTRIES = ["DE", "AT"]
    fill(client)
    response = client.post(CHECKOUT, contact(country="FR"))
    assert response.status_code == 422
    assert "We don’t deliver to this country. Please choose another." in response.content.decode()
    assert not Order.objects.exists()


def test_an_order_stores_the_code_and_shows_the_name(client: Client) -> None:
    fill(client)
    response = client.post(CHECKOUT, contact())
    assert Order.objects.get().country == "DE"
    assert "Germany" in client.get(response["Location"]).content.decode()


def test_an_old_order_shows_its_country_as_typed(client: Client) -> None:
    order = make_order(country="Utopia")
    assert "Utopia" in client.get(order.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("text", "code"),
    [("DE", "DE"), (" germany", "DE"), ("Österreich", "AT"), ("Utopia", ""), ("", "")],
)
def test_a_country_is_found_by_code_and_name(text: str, code: str) -> None:
    assert find_country(text) == code


def test_an_unknown_country_code_is_shown_unchanged() -> None:
    assert country_name("Utopia") == "Utopia"


def test_an_old_address_fills_the_country_field(client: Client) -> None:
    alice = make_customer("alice@example.com")
    address = {"name": "A", "street": "B", "postcode": "1", "city": "C", "country": "Germany"}
    alice.addresses.create(**address)
    client.force_login(alice)
    fill(client)
    page = one_line(client.get(CHECKOUT).content.decode())
    assert '<option value="DE" selected>Germany</option>' in page


def test_optional_fields_are_named_as_such(client: Client) -> None:
    fill(client)
    page = one_line(client.get(CHECKOUT).content.decode())
    assert page.count("(optional)") == 1
    assert 'Phone <span class="hint">(optional)</span>' in page


@pytest.mark.parametrize(
    ("days", "text"),
    [((2, 4), "2–4 working days"), ((None, 1), "1 working day"), ((3, 3), "3 working days")],
)
def test_the_delivery_time_of_a_method_is_shown(
    client: Client, days: tuple[int | None, int], text: str
) -> None:
    ShippingMethod.objects.update(days_from=None, days_to=None)
    ShippingMethod.objects.filter(name="Express").update(days_from=days[0], days_to=days[1])
    fill(client)
    page = client.get(CHECKOUT).content.decode()
    assert page.count("working day") == 1
    assert f'<span class="hint">{text}</span>' in page


def test_the_order_summary_has_images_and_links_to_the_cart(client: Client) -> None:
    fill(client)
    page = client.get(CHECKOUT).content.decode().split('<aside class="summary">')[1]
    assert page.count("<img") == 1
    assert '<a href="/cart/">Edit' in page


def test_the_checkout_has_no_distracting_links(client: Client) -> None:
    fill(client)
    page = client.get(CHECKOUT).content.decode()
    assert 'class="search"' not in page
    assert 'id="menu"' not in page


@pytest.mark.parametrize("published", [True, False])
def test_the_terms_are_linked_once_they_are_published(client: Client, published: bool) -> None:
    Page.objects.create(slug="terms", language="en", title="Terms", text="x", published=published)
    fill(client)
    page = client.get(CHECKOUT).content.decode()
    assert ("By placing your order you agree to our" in page) == published


def test_the_checkout_form_survives_a_lost_session(client: Client) -> None:
    response = client.post(CHECKOUT, contact(city="Shelbyville", phone="0170"))
    assert response["Location"] == "/cart/"
    fill(client)
    page = client.get(CHECKOUT)
    assert page.context["form"]["city"].value() == "Shelbyville"
    assert page.context["form"]["phone"].value() == "0170"
    client.post(CHECKOUT, contact())
    assert "contact" not in client.session


def test_the_checkout_form_survives_an_expired_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    product = make_product()
    token = client.get(product.get_absolute_url()).cookies["csrftoken"].value
    sent = {"variant": product.variants.get().pk, "csrfmiddlewaretoken": token}
    client.post(reverse("cart:add"), sent)
    before = dict(client.session)
    response = client.post(CHECKOUT, contact(city="Shelbyville"))
    assert response.status_code == 403
    assert "Check your details and place your order again." in response.content.decode()
    assert response.context["form"]["city"].value() == "Shelbyville"
    assert dict(client.session) == before
    assert not Order.objects.exists()


def test_an_expired_form_of_an_empty_cart_says_so() -> None:
    response = Client(enforce_csrf_checks=True).post(CHECKOUT, contact())
    assert response.status_code == 403
    assert "<h1>This page has expired</h1>" in response.content.decode()
