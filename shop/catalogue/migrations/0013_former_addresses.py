"""What a category or product was called before, and the triggers that note it."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

NOTE = """
CREATE FUNCTION catalogue_former_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalogue_formerpath (path, category_id) VALUES (OLD.path, OLD.id)
    ON CONFLICT (path) DO UPDATE SET category_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER catalogue_category_renamed AFTER UPDATE OF path ON catalogue_category
    FOR EACH ROW WHEN (OLD.path <> NEW.path) EXECUTE FUNCTION catalogue_former_path();
CREATE FUNCTION catalogue_former_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalogue_formerslug (slug, product_id) VALUES (OLD.slug, OLD.id)
    ON CONFLICT (slug) DO UPDATE SET product_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER catalogue_product_renamed AFTER UPDATE OF slug ON catalogue_product
    FOR EACH ROW WHEN (OLD.slug <> NEW.slug) EXECUTE FUNCTION catalogue_former_slug();
"""
FORGET = """
DROP TRIGGER catalogue_category_renamed ON catalogue_category;
DROP FUNCTION catalogue_former_path();
DROP TRIGGER catalogue_product_renamed ON catalogue_product;
DROP FUNCTION catalogue_former_slug();
"""


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0012_unused_indexes")]

    operations = [
        migrations.CreateModel(
            name="FormerPath",
            fields=[
                ("path", models.CharField(max_length=255, primary_key=True, serialize=False)),
                (
                    "category",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_paths",
                        to="catalogue.category",
                    ),
                ),
            ],
            options={
                "verbose_name": "former address",
                "verbose_name_plural": "former addresses",
            },
        ),
        migrations.CreateModel(
            name="FormerSlug",
            fields=[
                ("slug", models.SlugField(max_length=120, primary_key=True, serialize=False)),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_slugs",
                        to="catalogue.product",
                    ),
                ),
            ],
            options={
                "verbose_name": "former address",
                "verbose_name_plural": "former addresses",
            },
        ),
        migrations.RunSQL(NOTE, FORGET),
    ]
