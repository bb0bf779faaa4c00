from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.utils import translation

from shop.catalogue.models import Category, CategoryRedirect, Product, ProductRedirect, Variant
from tests.factories import make_category, make_product, make_variant

pytestmark = pytest.mark.django_db
HAND_WRITTEN = {"catalogue_variant_stock", "catalogue_former_path", "catalogue_former_slug"}


def migrate(name: str) -> None:
    connection.check_constraints()  # of which none may be pending
    with translation.override(None):  # as ``manage.py migrate`` does
        call_command("migrate", "catalogue", name, verbosity=0)


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


def test_the_upgrade_to_declared_triggers_keeps_stock_and_redirects() -> None:
    shirt = make_product(slug="first", category=make_category("First"), stock=10)
    make_variant(shirt, size="M", stock=5)
    migrate("0013")
    assert trigger_functions() >= HAND_WRITTEN
    assert rename_and_sell(shirt, "second") == 13
    migrate("0015")
    assert not trigger_functions() & HAND_WRITTEN
    assert rename_and_sell(shirt, "third") == 11
    for redirects in (CategoryRedirect.objects, ProductRedirect.objects):
        assert set(redirects.values_list("pk", flat=True)) == {"first", "second"}
