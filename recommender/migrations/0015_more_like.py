from __future__ import annotations

from typing import Any

from django.db import migrations


def rename(apps: Any, schema_editor: Any) -> None:
    """Give the events of the page that refines similar items the row's new name."""
    apps.get_model("recommender", "Event").objects.filter(block="steered").update(block="more-like")


def restore(apps: Any, schema_editor: Any) -> None:
    apps.get_model("recommender", "Event").objects.filter(block="more-like").update(block="steered")


class Migration(migrations.Migration):
    dependencies = [
        ("recommender", "0014_wording"),
    ]

    operations = [migrations.RunPython(rename, restore)]
