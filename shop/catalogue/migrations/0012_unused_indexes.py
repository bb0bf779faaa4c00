"""Filters go through cells since recommender 0008: nothing looks into these any more."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0011_category_price"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="product", name="product_colour"),
        migrations.RemoveIndex(model_name="product", name="product_gender"),
    ]
