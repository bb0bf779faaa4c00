from __future__ import annotations

from decimal import Decimal

from django.db import migrations


def add(apps, schema_editor) -> None:  # type: ignore[no-untyped-def]
    """Two to begin with, so that a new shop can sell; staff change them."""
    methods = apps.get_model("orders", "ShippingMethod").objects
    methods.create(name="Standard", price=Decimal("4.95"), free_from=Decimal(60), position=0)
    methods.create(name="Express", price=Decimal("12.95"), position=1)


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
