"""Remove what a network sees of an image, which is the recommender's."""

from __future__ import annotations

from django.db import migrations

from shop.core.permissions import rename_permissions


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("catalogue", "0015_pgtrigger"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="productimage",
            name="image_blue_pending",
        ),
        migrations.RemoveIndex(
            model_name="productimage",
            name="image_green_pending",
        ),
        migrations.RemoveIndex(
            model_name="productimage",
            name="image_blue_hnsw",
        ),
        migrations.RemoveIndex(
            model_name="productimage",
            name="image_green_hnsw",
        ),
        # Made from the embeddings.
        migrations.RemoveField(
            model_name="productimage",
            name="sketch_blue",
        ),
        migrations.RemoveField(
            model_name="productimage",
            name="sketch_green",
        ),
        migrations.RemoveField(
            model_name="productimage",
            name="attempts",
        ),
        migrations.RemoveField(
            model_name="productimage",
            name="claimed_until",
        ),
        migrations.RemoveField(
            model_name="productimage",
            name="embedding_blue",
        ),
        migrations.RemoveField(
            model_name="productimage",
            name="embedding_green",
        ),
        migrations.RemoveField(
            model_name="productimage",
            name="failure",
        ),
        # The models that 0015 renamed.
        rename_permissions("catalogue", "FormerPath", "CategoryRedirect"),
        rename_permissions("catalogue", "FormerSlug", "ProductRedirect"),
    ]
