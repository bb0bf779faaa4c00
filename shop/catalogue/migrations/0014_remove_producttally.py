"""Drop the tallies of listed products, which a grouped and cached query replaces."""

from __future__ import annotations

from importlib import import_module

from django.db import migrations

tally = import_module("shop.catalogue.migrations.0010_producttally")


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0013_former_addresses")]

    operations = [
        migrations.RunSQL(tally.DROP, tally.FUNCTION),
        migrations.DeleteModel("ProductTally"),
    ]
