from __future__ import annotations

from django.db import migrations, models


def fill(apps, schema_editor) -> None:  # type: ignore[no-untyped-def]
    """Give the methods that came with the shop the times that they usually take."""
    methods = apps.get_model("orders", "ShippingMethod").objects
    for name, days_from, days_to in (("Standard", 2, 4), ("Express", 1, 2)):
        methods.filter(name=name, days_to=None).update(days_from=days_from, days_to=days_to)


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_confirm_by")]

    operations = [
        migrations.AddField(
            model_name="shippingmethod",
            name="days_from",
            field=models.PositiveSmallIntegerField(
                blank=True, null=True, verbose_name="working days from"
            ),
        ),
        migrations.AddField(
            model_name="shippingmethod",
            name="days_to",
            field=models.PositiveSmallIntegerField(
                blank=True, null=True, verbose_name="working days to"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
