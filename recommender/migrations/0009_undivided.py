from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("recommender", "0008_cells"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="placement",
            index=models.Index(
                condition=models.Q(("cell", None)), fields=["slot"], name="placement_undivided"
            ),
        ),
    ]
