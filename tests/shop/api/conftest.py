from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from tests.factories import make_customer


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
    return client


@pytest.fixture
def alice(db: Any) -> User:
    return make_customer("alice@example.com", "correct-horse-7")


@pytest.fixture
def customer(alice: User) -> APIClient:
    return client_of(alice)


@pytest.fixture
def staff(db: Any) -> APIClient:
    """A member of the group Catalogue."""
    user = User.objects.create_user("carol", is_staff=True)
    user.groups.add(Group.objects.get(name="Catalogue"))
    return client_of(user)


@pytest.fixture
def api(db: Any) -> APIClient:
    return APIClient()
