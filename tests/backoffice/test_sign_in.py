"""Staff sign in to the admin, with and without a second factor."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import Group, User
from django.test import Client

from shop.accounts.models import ApiToken
from tests.factories import make_customer

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-7"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def carol(db: Any) -> User:
    """A member of the group Catalogue without an e-mail address."""
    user = User.objects.create_user("carol", password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name="Catalogue"))
    return user


def code_of(secret: str) -> str:
    """Return the code that the authenticator app shows now."""
    return totp.format_hotp_value(
        totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time()))
    )


@pytest.fixture
def secret(carol: User) -> str:
    """The secret of Carol's authenticator app."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(carol, secret)
    return secret


def sign_in(client: Client, login: str = "carol", password: str = PASSWORD) -> Any:
    door = client.get("/admin/")["Location"]
    values = {"login": login, "password": password}
    return client.post(client.get(door)["Location"], values)


def ask_for_token(client: Client, **values: str) -> Any:
    values = {"login": "carol", "password": PASSWORD} | values
    return client.post("/api/v1/tokens/", values, content_type="application/json")


@pytest.mark.parametrize("login", ["carol", "dave@example.com", "root@shop.example"])
def test_staff_sign_in_by_user_name_or_email(client: Client, carol: User, login: str) -> None:
    make_customer("dave@example.com", PASSWORD)
    User.objects.filter(username="dave").update(is_staff=True)
    User.objects.create_superuser("root@shop.example", password=PASSWORD)
    assert sign_in(client, login)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_staff_with_an_unverified_email_can_sign_in(client: Client) -> None:
    User.objects.create_superuser("root", "root@example.com", PASSWORD)
    assert sign_in(client, "root")["Location"] == "/admin/"


def test_the_admin_has_no_sign_in_form_and_turns_customers_away(client: Client) -> None:
    sent = {"username": "alice", "password": PASSWORD}
    assert client.post("/admin/login/", sent)["Location"].startswith("/account/login/?next=")
    client.force_login(make_customer("alice@example.com", PASSWORD), BACKEND)
    assert client.get("/admin/login/").status_code == 403
    assert client.get("/admin/").status_code == 302


def test_admin_sign_in_redirects_to_no_other_site(client: Client, carol: User) -> None:
    client.force_login(carol, BACKEND)
    page = client.get("/admin/login/?next=https://evil.example/")
    assert page["Location"] == "/admin/"


def test_a_second_factor_is_set_up_and_required(client: Client, carol: User) -> None:
    sign_in(client)
    assert 'href="/account/two-factor/"' in client.get("/account/").content.decode()
    page = client.get("/account/two-factor/totp/activate/", follow=True)
    client.post(page.redirect_chain[-1][0], {"password": PASSWORD})
    page = client.get("/account/two-factor/totp/activate/")
    secret = page.context["form"].secret
    assert 'src="data:image/svg+xml' in page.content.decode()
    client.post("/account/two-factor/totp/activate/", {"code": code_of(secret)})
    kinds = set(Authenticator.objects.values_list("type", flat=True))
    assert kinds == {"totp", "recovery_codes"}
    client.logout()
    assert sign_in(client)["Location"].startswith("/account/two-factor/authenticate/")
    assert client.get("/admin/").status_code == 302


def test_a_password_without_the_code_gives_no_access(
    client: Client, carol: User, secret: str
) -> None:
    sign_in(client)
    client.post("/account/two-factor/authenticate/", {"code": "000000"})
    assert client.get("/admin/").status_code == 302
    done = client.post("/account/two-factor/authenticate/", {"code": code_of(secret)})
    assert done["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_works_once(client: Client, carol: User, secret: str) -> None:
    code = code_of(secret)
    for other, statuses in ((client, (302, 200)), (Client(), (200, 302))):
        sign_in(other)
        answer = other.post("/account/two-factor/authenticate/", {"code": code})
        assert (answer.status_code, other.get("/admin/").status_code) == statuses


def test_codes_can_be_guessed_five_times(client: Client, carol: User, secret: str) -> None:
    sign_in(client)
    wrong = "000000" if code_of(secret) != "000000" else "000001"
    for _guess in range(5):
        client.post("/account/two-factor/authenticate/", {"code": wrong})
    page = client.post("/account/two-factor/authenticate/", {"code": code_of(secret)})
    assert "Too many failed login attempts" in page.content.decode()
    assert client.get("/admin/").status_code == 302


def test_a_token_needs_the_code_too(client: Client, carol: User, secret: str) -> None:
    assert ask_for_token(client).status_code == 403
    assert ask_for_token(client, code="000000").status_code == 403
    assert not ApiToken.objects.exists()
    assert ask_for_token(client, code=code_of(secret)).status_code == 201


def test_a_recovery_code_replaces_a_lost_phone(client: Client, carol: User, secret: str) -> None:
    codes = RecoveryCodes.activate(carol).get_unused_codes()
    sign_in(client)
    client.post("/account/two-factor/authenticate/", {"code": codes[0]})
    assert client.get("/admin/").status_code == 200


def test_staff_without_a_required_second_factor_have_no_access(
    client: Client, carol: User, settings: Any
) -> None:
    settings.STAFF_REQUIRE_MFA = True
    headers = {"Authorization": f"Token {ApiToken.issue(carol)[1]}"}
    client.force_login(carol, BACKEND)
    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
    assert client.get("/admin/login/?next=/admin/")["Location"].endswith("/totp/activate/")
    staff = "/api/v1/staff/products/"
    assert client.get(staff).status_code == 403
    assert Client().get(staff, headers=headers).status_code == 403
    assert Client().get("/api/v1/cart/", headers=headers).status_code == 200
    totp.TOTP.activate(carol, totp.generate_totp_secret())
    assert client.get("/admin/").status_code == 200
    assert client.get(staff).status_code == 200
    assert Client().get(staff, headers=headers).status_code == 200
