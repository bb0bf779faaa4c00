from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from shop.accounts.models import ApiToken
from shop.orders.models import ShippingMethod
from tests.factories import make_customer, make_product
from tests.shop.orders.checkouts import CONTACT


def client_of(user: User) -> APIClient:
    client = APIClient()
    row, token = ApiToken.issue(user)
    row.record_use()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def add_to_cart(client: APIClient, quantity: int = 1, **product: Any) -> Any:
    variant = make_product(**product).variants.get()
    values = {"variant": variant.pk, "quantity": quantity}
    return client.post("/api/v1/cart/lines/", values, format="json")


@pytest.fixture
def order_data(db: Any) -> dict[str, Any]:
    method, _new = ShippingMethod.objects.update_or_create(
        name="Standard", defaults={"price": Decimal("4.95"), "free_from": Decimal(60)}
    )
    return CONTACT | {"shipping_method": method.pk, "payment": "invoice"}


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
