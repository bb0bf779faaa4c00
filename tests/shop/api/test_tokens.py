"""A token is valid no longer than the password it was issued for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from shop.accounts.models import ApiToken
from tests.factories import make_customer

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW = "correct-horse-7", "another-horse-99"
TWICE = {"password1": NEW, "password2": NEW}


@pytest.fixture
def alice(client: Client) -> User:
    """A signed-in member of staff with a token."""
    user = make_customer("alice@example.com", OLD)
    User.objects.update(is_staff=True, is_superuser=True)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    ApiToken.issue(user)
    ApiToken.issue(make_customer("bob@example.com", OLD))
    return user


def _change(client: Client, alice: User) -> None:
    client.post("/account/password/change/", {"oldpassword": OLD} | TWICE)


def _reset(client: Client, alice: User) -> None:
    client.logout()
    client.post("/account/password/reset/", {"email": alice.email})
    link = re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[0].body)
    assert link
    client.post(client.get(link[1], follow=True).redirect_chain[-1][0], TWICE)


def _as_staff(client: Client, alice: User) -> None:
    new = {"new_password1": NEW, "new_password2": NEW}
    client.post("/admin/password_change/", {"old_password": OLD} | new)


def _by_staff(client: Client, alice: User) -> None:
    client.post(f"/admin/auth/user/{alice.pk}/password/", TWICE | {"usable_password": "true"})


@pytest.mark.parametrize("way", [_change, _reset, _as_staff, _by_staff])
def test_a_new_password_revokes_the_token(
    client: Client,
    alice: User,
    way: Callable[[Client, User], None],
) -> None:
    way(client, alice)
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert [token.user.email for token in ApiToken.objects.all()] == ["bob@example.com"]


def test_signing_in_keeps_the_token_though_the_password_is_rehashed(
    client: Client, alice: User, settings: Any
) -> None:
    slow = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, slow]
    User.objects.filter(pk=alice.pk).update(password=make_password(OLD, hasher="pbkdf2_sha256"))
    client.logout()
    client.post("/account/login/", {"login": alice.email, "password": OLD})
    alice.refresh_from_db()
    assert alice.password.startswith("md5$")
    assert ApiToken.objects.filter(user=alice).exists()
