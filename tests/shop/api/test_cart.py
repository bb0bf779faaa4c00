from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from shop.api.cart import QuantitySerializer
from shop.cart.models import CartLine
from tests.shop.api.conftest import add_to_cart

pytestmark = pytest.mark.django_db


def test_lines_are_changed_and_removed(customer: APIClient) -> None:
    line = add_to_cart(customer, stock=5).json()["lines"][0]["id"]
    url = f"/api/v1/cart/lines/{line}/"
    changed = customer.patch(url, {"quantity": 3}, format="json").json()
    assert changed["lines"][0]["quantity"] == 3
    refused = customer.patch(url, {"quantity": 6}, format="json")
    assert (refused.status_code, CartLine.objects.get().quantity) == (409, 3)
    assert customer.patch(url, {"quantity": 0}, format="json").status_code == 400
    assert customer.delete(url).status_code == 204
    assert not CartLine.objects.exists()


def test_a_line_removed_in_the_meantime_is_not_found(
    customer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/api/v1/cart/lines/{add_to_cart(customer).json()['lines'][0]['id']}/"
    is_valid = QuantitySerializer.is_valid

    def late(wanted: QuantitySerializer, **options: bool) -> bool:
        CartLine.objects.all().delete()
        return is_valid(wanted, **options)

    monkeypatch.setattr(QuantitySerializer, "is_valid", late)
    answers = [customer.patch(url, {"quantity": 2}, format="json") for _time in range(2)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert not CartLine.objects.exists()
