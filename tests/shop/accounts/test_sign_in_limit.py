"""Guess passwords at every sign-in, sequentially and simultaneously."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from limits import RateLimitItemPerMinute

from shop.accounts import sign_in_limit
from tests.factories import make_customer

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-7"
TOO_MANY = "Too many failed login attempts"


def by_page(client: Client, login: str, password: str, **where: Any) -> str:
    """Sign in on the page; return "in", "wrong" or "limited"."""
    values = {"login": login, "password": password}
    page = client.post("/account/login/", values, **where)
    if page.status_code == 302:
        return "in"
    return "limited" if TOO_MANY in page.content.decode() else "wrong"


def by_admin(client: Client, login: str, password: str, **where: Any) -> str:
    """Sign in on the page to which the admin redirects."""
    door = client.get("/admin/login/?next=/admin/", **where)
    values = {"login": login, "password": password}
    page = client.post(door["Location"], values, **where)
    if page.status_code == 302:
        return "in"
    return "limited" if TOO_MANY in page.content.decode() else "wrong"


def by_api(client: Client, login: str, password: str, **where: Any) -> str:
    """Request a token from the API."""
    values = {"login": login, "password": password}
    answer = client.post("/api/v1/tokens/", values, content_type="application/json", **where)
    if answer.status_code == 429:
        assert 0 < int(answer["Retry-After"]) <= 3600
    return {201: "in", 403: "wrong", 429: "limited"}[answer.status_code]


DOORS = [by_page, by_admin, by_api]
Door = Callable[..., str]


@pytest.fixture
def carol(db: Any) -> User:
    """A member of staff without an e-mail address."""
    return User.objects.create_user("carol", password=PASSWORD, is_staff=True)


@pytest.mark.parametrize("door", DOORS)
def test_five_guesses_at_one_sign_in_block_all_of_them(carol: User, door: Door) -> None:
    guesses = [door(Client(), "carol", f"wrong-{number}") for number in range(6)]
    assert guesses == ["wrong"] * 5 + ["limited"]
    assert [other(Client(), "carol", PASSWORD) for other in DOORS] == ["limited"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.django_db(transaction=True)
def test_simultaneous_guesses_do_not_exceed_the_limit(door: Door) -> None:
    make_customer("alice@example.com", PASSWORD)

    def guess(number: int) -> str:
        try:
            return door(Client(), "alice@example.com", f"wrong-{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(guess, range(60)))
    assert (answers.count("wrong"), answers.count("limited")) == (5, 55)


def test_user_name_and_email_share_one_limit(client: Client) -> None:
    make_customer("alice@example.com", PASSWORD)
    names = ["alice", "alice@example.com", "ALICE@example.com"] * 2
    answers = [by_page(client, name, "wrong") for name in names]
    assert answers == ["wrong"] * 5 + ["limited"]


@pytest.mark.parametrize("login", ["a b", "\x07", "x" * 254, "Ä@ö.example", "'"])
def test_an_odd_login_is_refused(client: Client, login: str) -> None:
    assert by_page(client, login, "x") == "wrong"
    assert by_api(client, login, "x") == "wrong"


def test_guesses_from_one_address_at_many_accounts_are_limited(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_limit, "ADDRESS_LIMIT", RateLimitItemPerMinute(3, 5))
    guesses = [by_page(client, f"guest-{number}@example.com", "x") for number in range(4)]
    assert guesses == ["wrong"] * 3 + ["limited"]
    assert by_page(client, "another@example.com", "x", REMOTE_ADDR="192.0.2.9") == "wrong"


def test_an_ipv6_network_counts_as_one_address(client: Client) -> None:
    make_customer("alice@example.com", PASSWORD)
    answers = [
        by_page(client, "alice@example.com", "wrong", REMOTE_ADDR=f"2001:db8:1:2::{number}")
        for number in range(6)
    ]
    assert answers == ["wrong"] * 5 + ["limited"]
    other = "2001:db8:1:3::1"
    assert by_page(client, "alice@example.com", PASSWORD, REMOTE_ADDR=other) == "in"


def test_a_stranger_cannot_lock_out_a_customer() -> None:
    make_customer("alice@example.com", PASSWORD)
    for _guess in range(40):
        by_page(Client(), "alice@example.com", "wrong", REMOTE_ADDR="192.0.2.66")
    assert by_page(Client(), "alice@example.com", PASSWORD, REMOTE_ADDR="192.0.2.1") == "in"


def test_many_strangers_block_only_addresses_that_never_signed_in() -> None:
    make_customer("alice@example.com", PASSWORD)
    home, elsewhere = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "192.0.2.2"}
    assert by_page(Client(), "alice@example.com", PASSWORD, **home) == "in"
    guesses = [
        by_page(Client(), "alice@example.com", "wrong", REMOTE_ADDR=f"198.51.100.{number}")
        for number in range(21)
    ]
    assert guesses == ["wrong"] * 20 + ["limited"]
    assert by_page(Client(), "alice@example.com", PASSWORD, **elsewhere) == "limited"
    assert by_page(Client(), "alice@example.com", PASSWORD, **home) == "in"


def test_signing_in_resets_the_limit(client: Client) -> None:
    make_customer("alice@example.com", PASSWORD)
    for _round in range(3):
        guesses = [by_page(client, "alice@example.com", "wrong") for _guess in range(4)]
        assert guesses == ["wrong"] * 4
        assert by_page(client, "alice@example.com", PASSWORD) == "in"
        client.logout()


def test_a_password_reset_resets_the_limit(client: Client) -> None:
    make_customer("alice@example.com", PASSWORD)
    for _guess in range(6):
        by_page(client, "alice@example.com", "wrong")
    client.post("/account/password/reset/", {"email": "alice@example.com"})
    link = str(mail.outbox[0].body).split("http://localhost:8000")[1].split()[0]
    path = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(path, {"password1": "another-horse-8", "password2": "another-horse-8"})
    assert by_page(client, "alice@example.com", "another-horse-8") == "in"


def test_guesses_on_the_account_deletion_form_are_limited(client: Client) -> None:
    alice = make_customer("alice@example.com", PASSWORD)
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    for _guess in range(5):
        client.post("/account/delete/", {"password": "wrong"})
    page = client.post("/account/delete/", {"password": PASSWORD})
    assert (page.status_code, TOO_MANY in page.content.decode()) == (422, True)
    assert User.objects.get() == alice


@pytest.mark.parametrize("login", ["alice@example.com", "nobody@example.com", "carol", "nobody"])
def test_a_wrong_password_is_hashed_equally_often_for_any_login(
    client: Client, carol: User, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher

    make_customer("alice@example.com", PASSWORD)
    hashed, encode = [], MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda *args: hashed.append(args[1]) or encode(*args)
    )
    assert by_page(client, login, "wrong") == "wrong"
    assert hashed == ["wrong", "wrong"]
