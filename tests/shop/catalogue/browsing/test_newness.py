from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from shop.catalogue.browsing.newness import new_since
from shop.catalogue.models import Product
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def _age(product: Product, days: int) -> None:
    created = timezone.now() - timedelta(days=days)
    Product.objects.filter(pk=product.pk).update(created=created)


def _badges(client: Client) -> int:
    cache.clear()
    return client.get("/products/").content.decode().count('<span class="badge">New</span>')


def test_products_of_the_last_thirty_days_are_new(client: Client) -> None:
    for _number in range(3):
        _age(make_product(), days=40)
    _age(make_product(), days=29)
    assert _badges(client) == 1


def test_a_catalogue_imported_at_once_has_nothing_new(client: Client) -> None:
    _age(make_product(), days=40)
    for _number in range(3):
        make_product()
    assert _badges(client) == 0
    assert new_since() is None


def test_a_sold_out_product_is_not_marked_as_new(client: Client) -> None:
    for _number in range(3):
        _age(make_product(), days=40)
    make_product(stock=0)
    assert _badges(client) == 0


def test_an_empty_shop_has_nothing_new() -> None:
    assert new_since() is None
