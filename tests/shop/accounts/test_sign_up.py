from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from tests.factories import make_customer

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-7"


def _sign_up(client: Client, email: str = "alice@example.com") -> Any:
    values = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/account/signup/", values)


def _link(number: int = -1) -> str:
    found = re.search(r"https?://[^/\s]+(/\S+)", str(mail.outbox[number].body))
    assert found
    return found[1]


def test_a_customer_signs_up_confirms_and_is_signed_in(client: Client) -> None:
    assert _sign_up(client)["Location"] == "/account/confirm-email/"
    assert client.get("/account/").status_code == 302
    assert mail.outbox[0].to == ["alice@example.com"]
    link = _link()
    assert client.get(link).status_code == 200
    client.post(link)
    assert EmailAddress.objects.get().verified
    client.post("/account/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert "alice@example.com" in client.get("/account/").content.decode()


def test_a_customer_with_an_unverified_email_cannot_sign_in(client: Client) -> None:
    _sign_up(client)
    Client().post("/account/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert client.get("/account/").status_code == 302


def test_signing_up_twice_does_not_reveal_a_customer(client: Client) -> None:
    make_customer("alice@example.com")
    assert _sign_up(client)["Location"] == "/account/confirm-email/"
    assert User.objects.count() == 1
    assert "already" in mail.outbox[0].body


@pytest.mark.parametrize("known", [True, False])
def test_signing_up_hashes_the_password_once_whether_or_not_the_address_is_known(
    client: Client, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if known:
        make_customer("alice@example.com")
    hashed, encode = [], MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda *args: hashed.append(args[1]) or encode(*args)
    )
    _sign_up(client)
    assert hashed == [PASSWORD]
    assert len(mail.outbox) == 1


def test_signing_up_too_often_is_refused_with_a_message(client: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/m/ip"}
    _sign_up(client, "first@example.com")
    response = _sign_up(Client(), "second@example.com")
    assert response.status_code == 429
    assert "<h1>Too many requests</h1>" in response.content.decode()
    assert "photos. Wait" not in response.content.decode()
    assert [user.email for user in User.objects.all()] == ["first@example.com"]


def test_a_forgotten_password_is_replaced(client: Client) -> None:
    make_customer("alice@example.com")
    client.post("/account/password/reset/", {"email": "alice@example.com"})
    page = client.get(_link(), follow=True)
    path = page.redirect_chain[-1][0]
    client.post(path, {"password1": "another-horse-8", "password2": "another-horse-8"})
    client.post("/account/login/", {"login": "alice@example.com", "password": "another-horse-8"})
    assert client.get("/account/").status_code == 200


@pytest.mark.parametrize("path", ["signup/", "password/reset/"])
@pytest.mark.parametrize("known", [True, False])
def test_account_emails_link_to_the_shop_whatever_the_host_header(
    client: Client, settings: Any, path: str, known: bool
) -> None:
    settings.SITE_NAME, settings.SITE_URL = "Corner Shop", "https://shop.example/"
    settings.ALLOWED_HOSTS = ["evil.example"]
    if known:
        make_customer("alice@example.com")
    values = {"email": "alice@example.com", "password1": PASSWORD, "password2": PASSWORD}
    client.post(f"/account/{path}", values, headers={"Host": "evil.example"})
    body = str(mail.outbox[0].body)
    assert body.startswith("Hello from Corner Shop!\n")
    assert body.endswith("Thank you for using Corner Shop!\nshop.example")
    assert re.findall(r"https?://[^/\s]+/account/", body) == ["https://shop.example/account/"]
    assert "evil.example" not in body


def test_five_wrong_passwords_block_further_attempts(client: Client) -> None:
    make_customer("alice@example.com", password=PASSWORD)
    for _attempt in range(5):
        client.post("/account/login/", {"login": "alice@example.com", "password": "wrong"})
    right = {"login": "alice@example.com", "password": PASSWORD}
    page = client.post("/account/login/", right).content.decode()
    assert "Too many failed login attempts" in page
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize(
    "path",
    ["login/", "signup/", "password/reset/", "confirm-email/", "password/reset/done/"],
)
def test_the_account_pages_use_the_shops_templates(client: Client, path: str) -> None:
    page = client.get(f"/account/{path}")
    assert page.status_code == 200
    assert 'class="site-header"' in page.content.decode()
