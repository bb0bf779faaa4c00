from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from shop.accounts.models import ApiToken
from shop.cart.models import CartLine
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def test_a_token_is_issued_for_a_password_and_revoked(alice: User, api: APIClient) -> None:
    credentials = {"login": "alice@example.com", "password": "correct-horse-7"}
    token = api.post("/api/v1/tokens/", credentials, format="json").json()["token"]
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert api.get("/api/v1/cart/").status_code == 200
    assert api.delete("/api/v1/tokens/").status_code == 204
    assert api.get("/api/v1/cart/").status_code == 401


def test_only_the_hash_of_a_token_is_stored(alice: User, api: APIClient) -> None:
    credentials = {"login": "alice", "password": "correct-horse-7"}
    answer = api.post("/api/v1/tokens/", credentials, format="json").json()
    stored = ApiToken.objects.values().get()
    assert answer["token"] not in str(stored)
    assert stored["digest"] == hashlib.sha256(answer["token"].encode()).hexdigest()
    assert stored["expires"] - stored["created"] == pytest.approx(
        timedelta(days=365), abs=timedelta(minutes=1)
    )


def test_a_read_only_token_cannot_write(alice: User, api: APIClient) -> None:
    credentials = {"login": "alice", "password": "correct-horse-7", "scope": "read"}
    token = api.post("/api/v1/tokens/", credentials, format="json").json()["token"]
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert api.get("/api/v1/cart/").status_code == 200
    values = {"variant": make_product().variants.get().pk}
    answer = api.post("/api/v1/cart/lines/", values, format="json")
    assert (answer.status_code, answer.json()["detail"]) == (403, "This token is read-only.")
    assert not CartLine.objects.exists()


def test_an_expired_token_gives_no_access(alice: User, api: APIClient) -> None:
    _row, token = ApiToken.issue(alice)
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    ApiToken.objects.update(expires=timezone.now() + timedelta(minutes=1))
    assert api.get("/api/v1/cart/").status_code == 200
    ApiToken.objects.update(expires=timezone.now())
    assert api.get("/api/v1/cart/").status_code == 401


def test_the_last_use_of_a_token_is_stored_to_ten_minutes(alice: User, api: APIClient) -> None:
    row, token = ApiToken.issue(alice)
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    for before, written in (
        (None, True),
        (timedelta(minutes=9), False),
        (timedelta(hours=1), True),
    ):
        then = before and timezone.now() - before
        ApiToken.objects.update(last_used=then)
        api.get("/api/v1/cart/")
        row.refresh_from_db()
        assert (row.last_used != then) == written


def test_a_user_has_at_most_twenty_tokens(alice: User) -> None:
    other, _token = ApiToken.issue(User.objects.create_user("bob"))
    keys = [ApiToken.issue(alice)[0].pk for _number in range(22)]
    assert set(ApiToken.objects.values_list("pk", flat=True)) == {other.pk, *keys[2:]}


def test_a_token_revokes_itself_and_a_session_revokes_all(alice: User, api: APIClient) -> None:
    rows = [ApiToken.issue(alice) for _number in range(3)]
    api.credentials(HTTP_AUTHORIZATION=f"Token {rows[0][1]}")
    assert api.delete("/api/v1/tokens/").status_code == 204
    assert ApiToken.objects.count() == 2
    api.credentials()
    api.force_login(alice)
    assert api.delete("/api/v1/tokens/").status_code == 204
    assert not ApiToken.objects.exists()


def test_an_inactive_user_gets_no_token(alice: User, api: APIClient) -> None:
    _row, token = ApiToken.issue(alice)
    User.objects.update(is_active=False)
    credentials = {"login": "alice@example.com", "password": "correct-horse-7"}
    assert api.post("/api/v1/tokens/", credentials, format="json").status_code == 403
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert api.get("/api/v1/cart/").status_code == 401


def test_a_wrong_password_gets_no_token(alice: User, api: APIClient) -> None:
    wrong = {"login": "alice@example.com", "password": "x"}
    assert api.post("/api/v1/tokens/", wrong, format="json").status_code == 403
    assert not ApiToken.objects.exists()


def test_a_user_with_an_unverified_email_gets_no_token(api: APIClient) -> None:
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
