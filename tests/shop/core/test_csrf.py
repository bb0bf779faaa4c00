from __future__ import annotations

import re

import pytest
from django.test import Client

from shop.cart.models import CartLine
from tests.factories import make_customer, make_product

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-7"


def _token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/products/x/?a=1", "http://testserver/products/x/?a=1"),
        ("https://evil.example/", "/"),
        ("", "/"),
    ],
)
def test_a_form_from_before_signing_in_leads_back(referer: str, back: str) -> None:
    client = Client(enforce_csrf_checks=True)
    make_customer("bob@example.com", PASSWORD)
    product = make_product()
    old = _token(client.get(product.get_absolute_url()).content.decode())
    token = _token(client.get("/account/login/").content.decode())
    values = {"login": "bob@example.com", "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert client.post("/account/login/", values).status_code == 302
    sent = {"variant": product.variants.get().pk, "csrfmiddlewaretoken": old}
    response = client.post("/cart/add/", sent, headers={"Referer": referer})
    page = response.content.decode()
    assert response.status_code == 403
    assert 'class="site-header"' in page
    assert "You may have signed in or out in another window" in page
    assert f'<a class="button" href="{back}">' in page
    assert f'name="next" value="{back}">' in page
    assert not CartLine.objects.exists()


def test_signing_in_there_leads_back(client: Client) -> None:
    make_customer("bob@example.com", PASSWORD)
    guest = Client(enforce_csrf_checks=True)
    before = "http://testserver/products/?a=1&b=2"
    page = guest.post("/cart/add/", headers={"Referer": before}).content.decode()
    found = re.search(r'href="(/account/login/\?next=[^"]+)"', page)
    assert found
    values = {"login": "bob@example.com", "password": PASSWORD}
    form = client.get(found[1]).content.decode()
    assert f'name="next" value="{before.replace("&", "&amp;")}"' in form
    response = client.post("/account/login/", {**values, "next": before})
    assert response["Location"] == before
