from __future__ import annotations

import pgvector.django.halfvec
import pgvector.django.indexes
from django.db import migrations, models
from django.db.models.functions import Cast


def _sketch_of(column: str) -> models.GeneratedField:
    values = pgvector.django.halfvec.HalfVectorField(dimensions=256, null=True)
    start = models.Func(models.F(column), 1, 256, function="subvector")
    return models.GeneratedField(
        db_persist=True, expression=Cast(start, values), output_field=values
    )


class Migration(migrations.Migration):
    """The index held an expression; now the row holds its value, so that nothing computes it again.

    Each ``AddField`` writes the table anew: 4 KB a picture.
    """

    dependencies = [
        ("catalogue", "0007_merged_into"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="productimage", name="image_blue_hnsw"),
        migrations.RemoveIndex(model_name="productimage", name="image_green_hnsw"),
        migrations.AddField(
            model_name="productimage", name="sketch_blue", field=_sketch_of("embedding_blue")
        ),
        migrations.AddField(
            model_name="productimage", name="sketch_green", field=_sketch_of("embedding_green")
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(fields=["base_colour", "gender"], name="product_colour"),
        ),
        migrations.AddIndex(
            model_name="product", index=models.Index(fields=["gender"], name="product_gender")
        ),
        *(
            migrations.AddIndex(
                model_name="productimage",
                index=pgvector.django.indexes.HnswIndex(
                    fields=[f"sketch_{slot}"],
                    opclasses=["halfvec_l2_ops"],
                    name=f"image_{slot}_hnsw",
                    m=16,
                    ef_construction=64,
                ),
            )
            for slot in ("blue", "green")
        ),
    ]
