from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Mail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("to", models.EmailField(max_length=254, verbose_name="to")),
                ("subject", models.TextField(verbose_name="subject")),
                ("text", models.TextField()),
                ("html", models.TextField(blank=True)),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "due",
                    models.DateTimeField(
                        db_index=True,
                        default=django.utils.timezone.now,
                        verbose_name="next attempt",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("problem", models.TextField(blank=True, verbose_name="problem")),
            ],
            options={
                "verbose_name": "mail to be sent",
                "verbose_name_plural": "mails to be sent",
                "ordering": ("due", "pk"),
            },
        ),
    ]
