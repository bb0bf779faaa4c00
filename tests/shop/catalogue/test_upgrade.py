from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F

from shop.catalogue.models import CategoryRedirect, ProductRedirect
from tests.upgrades import database_at

pytestmark = pytest.mark.slow

HAND_WRITTEN = {"catalogue_variant_stock", "catalogue_former_path", "catalogue_former_slug"}


def trigger_functions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid")
        return {name for (name,) in cursor}


def make_shirt(apps: Any) -> int:
    """Create a shirt of two sizes, 15 pieces in all, and return its id."""
    get = partial(apps.get_model, "catalogue")
    category = get("Category").objects.create(name="First", slug="first", path="first")
    shirt = get("Product").objects.create(
        name="Shirt", slug="first", category=category, price=Decimal(20)
    )
    get("Variant").objects.create(product=shirt, sku="S", stock=10)
    get("Variant").objects.create(product=shirt, sku="M", size="M", stock=5)
    return int(shirt.pk)


def rename_and_sell(apps: Any, product: int, name: str) -> int:
    """Write by queries, which only triggers can notice, and return the product's stock."""
    get = partial(apps.get_model, "catalogue")
    products = get("Product").objects.filter(pk=product)
    get("Category").objects.filter(products=product).update(path=name)
    products.update(slug=name)
    get("Variant").objects.filter(product=product).update(stock=F("stock") - 1)
    return int(products.get().stock)


def test_the_upgrade_to_declared_triggers_keeps_stock_and_redirects(
    django_db_setup: None, django_db_blocker: Any
) -> None:
    with database_at(django_db_blocker, {"catalogue": "0013_former_addresses"}) as apps:
        shirt = make_shirt(apps)
        assert trigger_functions() >= HAND_WRITTEN
        assert rename_and_sell(apps, shirt, "second") == 13
        MigrationExecutor(connection).migrate([("catalogue", "0015_pgtrigger")])
        assert not trigger_functions() & HAND_WRITTEN
        assert rename_and_sell(apps, shirt, "third") == 11
        for redirects in (CategoryRedirect.objects, ProductRedirect.objects):
            assert set(redirects.values_list("pk", flat=True)) == {"first", "second"}
