from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from shop.cart.models import CartLine
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def test_a_token_is_given_for_a_password_and_taken_back(alice: User, api: APIClient) -> None:
    credentials = {"login": "alice@example.com", "password": "correct-horse-7"}
    token = api.post("/api/v1/tokens/", credentials, format="json").json()["token"]
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert api.get("/api/v1/cart/").status_code == 200
    assert api.delete("/api/v1/tokens/").status_code == 204
    assert api.get("/api/v1/cart/").status_code == 401


def test_a_wrong_password_gives_no_token(alice: User, api: APIClient) -> None:
    wrong = {"login": "alice@example.com", "password": "x"}
    assert api.post("/api/v1/tokens/", wrong, format="json").status_code == 403
    assert not Token.objects.exists()


def test_who_has_not_confirmed_gets_no_token(api: APIClient) -> None:
    User.objects.create_user("dave", "dave@example.com", "correct-horse-7")
    values = {"login": "dave", "password": "correct-horse-7"}
    assert api.post("/api/v1/tokens/", values, format="json").status_code == 403


def test_a_session_needs_a_csrf_token(alice: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get("/api/v1/cart/").status_code == 200
    values = {"variant": make_product().variants.get().pk}
    assert client.post("/api/v1/cart/lines/", values, format="json").status_code == 403
    assert not CartLine.objects.exists()
