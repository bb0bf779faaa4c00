"""Orders from before are in the site's own language: while it migrates, none is active."""

from __future__ import annotations

import django.utils.translation
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0003_order_paid_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="language",
            field=models.CharField(
                default=settings.LANGUAGE_CODE,
                editable=False,
                max_length=10,
                verbose_name="language",
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="language",
            field=models.CharField(
                default=django.utils.translation.get_language,
                editable=False,
                max_length=10,
                verbose_name="language",
            ),
        ),
    ]
