from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F

from shop.catalogue.models import Category, CategoryRedirect, Product, ProductRedirect, Variant
from tests.factories import make_category, make_product, make_variant
from tests.upgrades import database_at

HAND_WRITTEN = {"catalogue_variant_stock", "catalogue_former_path", "catalogue_former_slug"}


def trigger_functions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid")
        return {name for (name,) in cursor}


def rename_and_sell(product: Product, name: str) -> int:
    """Write by queries, which only triggers can notice, and return the product's stock."""
    Category.objects.filter(pk=product.category_id).update(path=name)
    Product.objects.filter(pk=product.pk).update(slug=name)
    Variant.objects.filter(product=product).update(stock=F("stock") - 1)
    return Product.objects.get(pk=product.pk).stock


def test_the_upgrade_to_declared_triggers_keeps_stock_and_redirects(
    django_db_setup: None, django_db_blocker: Any
) -> None:
    with database_at(django_db_blocker, {"catalogue": "0013_former_addresses"}):
        shirt = make_product(slug="first", category=make_category("First"), stock=10)
        make_variant(shirt, size="M", stock=5)
        assert trigger_functions() >= HAND_WRITTEN
        assert rename_and_sell(shirt, "second") == 13
        MigrationExecutor(connection).migrate([("catalogue", "0015_pgtrigger")])
        assert not trigger_functions() & HAND_WRITTEN
        assert rename_and_sell(shirt, "third") == 11
        for redirects in (CategoryRedirect.objects, ProductRedirect.objects):
            assert set(redirects.values_list("pk", flat=True)) == {"first", "second"}
