"""Keep embeddings in a table for each slot, filled by one network, in place of columns of images.

Old embeddings are of networks without a dense layer, so every image is embedded again.
"""

from __future__ import annotations

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import pgvector.django.halfvec
import pgvector.django.indexes
import pgvector.django.vector
from django.db import migrations, models

from shop.core.permissions import rename_permissions

# Drops the triggers with them.
DROP_FUNCTIONS = "DROP FUNCTION recommender_place, recommender_describe CASCADE"
# Photos to search with live for a day; their vectors are of another length.
FORGET = """
TRUNCATE recommender_queryphoto;
UPDATE recommender_embeddingmodel SET state = 'retired'
"""
# Room in each page for a change of the filters' columns, which then leaves the indexes alone.
TABLES = """
ALTER TABLE recommender_embedding_{slot} SET (fillfactor = 85);
ALTER TABLE recommender_embedding_{slot} ADD CONSTRAINT embedding_{slot}_of_image
    FOREIGN KEY (image_id) REFERENCES catalogue_productimage ON DELETE CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("catalogue", "0015_pgtrigger"),
        ("recommender", "0009_undivided"),
    ]
    # The columns can go when the triggers that read them are gone.
    run_before = [("catalogue", "0016_remove_embeddings")]

    operations = [
        migrations.RunSQL(DROP_FUNCTIONS),
        migrations.RunSQL(FORGET),
        migrations.DeleteModel("Placement"),
        migrations.DeleteModel("Cell"),
        migrations.DeleteModel("PicturePair"),
        migrations.DeleteModel("ComparedPicture"),
        migrations.AlterModelTable("NotTheSame", "recommender_notthesame"),
        migrations.RenameModel("NotTheSame", "DuplicateDismissal"),
        rename_permissions("recommender", "NotTheSame", "DuplicateDismissal"),
        migrations.RemoveField("QueryPhoto", "embedding"),
        migrations.AddField(
            "QueryPhoto",
            "embedding",
            pgvector.django.halfvec.HalfVectorField(dimensions=256, null=True),
        ),
        migrations.RenameField("QueryPhoto", "region", "crop_box"),
        migrations.RenameField("QueryPhoto", "whole", "parent"),
        migrations.AlterField(
            "QueryPhoto",
            "parent",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="crops",
                to="recommender.queryphoto",
            ),
        ),
        migrations.AddField(
            model_name="embeddingmodel",
            name="sha256",
            field=models.CharField(
                blank=True, max_length=64, verbose_name="SHA-256 of the weights"
            ),
        ),
        migrations.AddField(
            model_name="embeddingmodel",
            name="spread",
            field=models.FloatField(
                default=0.03,
                help_text="Half of the squared L2 distance to the fifth neighbour, in the median.",
                verbose_name="spread",
            ),
        ),
        migrations.AddField(
            model_name="queryphoto",
            name="colour",
            field=pgvector.django.vector.VectorField(dimensions=3, null=True),
        ),
        migrations.AlterField(
            model_name="embeddingmodel",
            name="slot",
            field=models.CharField(
                choices=[("blue", "blue"), ("green", "green")], max_length=5, verbose_name="slot"
            ),
        ),
        migrations.CreateModel(
            name="BlueEmbedding",
            fields=[
                (
                    "image",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="%(class)s",
                        serialize=False,
                        to="catalogue.productimage",
                    ),
                ),
                ("embedding", pgvector.django.halfvec.HalfVectorField(dimensions=256, null=True)),
                ("colour", pgvector.django.vector.VectorField(dimensions=3, null=True)),
                ("duplicate_group", models.BigIntegerField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("embedded", "done"),
                            ("failed", "parked"),
                        ],
                        db_default="pending",
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("claimed_until", models.DateTimeField(null=True)),
                (
                    "failure",
                    models.CharField(blank=True, db_default="", default="", max_length=255),
                ),
                ("gender", models.CharField(max_length=10)),
                ("base_colour", models.CharField(max_length=40)),
                ("available", models.BooleanField()),
                (
                    "category",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.category",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.product",
                    ),
                ),
            ],
            options={
                "db_table": "recommender_embedding_blue",
            },
        ),
        migrations.CreateModel(
            name="GreenEmbedding",
            fields=[
                (
                    "image",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="%(class)s",
                        serialize=False,
                        to="catalogue.productimage",
                    ),
                ),
                ("embedding", pgvector.django.halfvec.HalfVectorField(dimensions=256, null=True)),
                ("colour", pgvector.django.vector.VectorField(dimensions=3, null=True)),
                ("duplicate_group", models.BigIntegerField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("embedded", "done"),
                            ("failed", "parked"),
                        ],
                        db_default="pending",
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("claimed_until", models.DateTimeField(null=True)),
                (
                    "failure",
                    models.CharField(blank=True, db_default="", default="", max_length=255),
                ),
                ("gender", models.CharField(max_length=10)),
                ("base_colour", models.CharField(max_length=40)),
                ("available", models.BooleanField()),
                (
                    "category",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.category",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.product",
                    ),
                ),
            ],
            options={
                "db_table": "recommender_embedding_green",
            },
        ),
        migrations.AddIndex(
            model_name="blueembedding",
            index=pgvector.django.indexes.HnswIndex(
                ef_construction=64,
                fields=["embedding"],
                m=16,
                name="embedding_blue_hnsw",
                opclasses=["halfvec_l2_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="blueembedding",
            index=models.Index(
                fields=["category", "gender", "base_colour"], name="embedding_blue_filters"
            ),
        ),
        migrations.AddIndex(
            model_name="blueembedding",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["-image"],
                name="embedding_blue_pending",
            ),
        ),
        migrations.AddIndex(
            model_name="blueembedding",
            index=models.Index(
                condition=models.Q(("duplicate_group", models.F("image")), _negated=True),
                fields=["duplicate_group"],
                name="embedding_blue_copies",
            ),
        ),
        migrations.AddIndex(
            model_name="greenembedding",
            index=pgvector.django.indexes.HnswIndex(
                ef_construction=64,
                fields=["embedding"],
                m=16,
                name="embedding_green_hnsw",
                opclasses=["halfvec_l2_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="greenembedding",
            index=models.Index(
                fields=["category", "gender", "base_colour"], name="embedding_green_filters"
            ),
        ),
        migrations.AddIndex(
            model_name="greenembedding",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["-image"],
                name="embedding_green_pending",
            ),
        ),
        migrations.AddIndex(
            model_name="greenembedding",
            index=models.Index(
                condition=models.Q(("duplicate_group", models.F("image")), _negated=True),
                fields=["duplicate_group"],
                name="embedding_green_copies",
            ),
        ),
        migrations.RunSQL([TABLES.format(slot="blue"), TABLES.format(slot="green")]),
        migrations.CreateModel(
            name="EmbeddedImage",
            fields=[],
            options={
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("catalogue.productimage",),
        ),
        migrations.CreateModel(
            name="EmbeddedProduct",
            fields=[],
            options={
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("catalogue.product",),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="embeddedimage",
            trigger=pgtrigger.compiler.Trigger(
                name="add_embeddings",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\nINSERT INTO recommender_embedding_blue (image_id, product_id, category_id, gender, base_colour, available)\nSELECT image.id, product.id, product.category_id, product.gender, product.base_colour,\n    product.listed AND product.stock > 0\nFROM new_rows AS image JOIN catalogue_product AS product ON product.id = image.product_id\nWHERE EXISTS (SELECT FROM recommender_embeddingmodel AS model\n        WHERE model.slot = 'blue' AND model.state IN ('active', 'filling', 'previous')) ON CONFLICT (image_id) DO NOTHING; \nINSERT INTO recommender_embedding_green (image_id, product_id, category_id, gender, base_colour, available)\nSELECT image.id, product.id, product.category_id, product.gender, product.base_colour,\n    product.listed AND product.stock > 0\nFROM new_rows AS image JOIN catalogue_product AS product ON product.id = image.product_id\nWHERE EXISTS (SELECT FROM recommender_embeddingmodel AS model\n        WHERE model.slot = 'green' AND model.state IN ('active', 'filling', 'previous')) ON CONFLICT (image_id) DO NOTHING; RETURN NULL;",
                    hash="ade2c8c2ba8ba5892d5dd1f35f7e92e30b10abef",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_add_embeddings_95490",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="catalogue_productimage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="embeddedimage",
            trigger=pgtrigger.compiler.Trigger(
                name="reset_embeddings",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."file" IS DISTINCT FROM (NEW."file"))',
                    func="UPDATE recommender_embedding_blue SET duplicate_group = (SELECT min(copy.image_id) FROM recommender_embedding_blue AS copy\n        WHERE copy.duplicate_group = NEW.id AND copy.duplicate_group <> copy.image_id)\n    WHERE duplicate_group = NEW.id AND duplicate_group <> image_id;\n    UPDATE recommender_embedding_blue SET embedding = NULL, colour = NULL, duplicate_group = NULL,\n    status = 'pending', attempts = 0, claimed_until = NULL, failure = '' WHERE image_id = NEW.id; UPDATE recommender_embedding_green SET duplicate_group = (SELECT min(copy.image_id) FROM recommender_embedding_green AS copy\n        WHERE copy.duplicate_group = NEW.id AND copy.duplicate_group <> copy.image_id)\n    WHERE duplicate_group = NEW.id AND duplicate_group <> image_id;\n    UPDATE recommender_embedding_green SET embedding = NULL, colour = NULL, duplicate_group = NULL,\n    status = 'pending', attempts = 0, claimed_until = NULL, failure = '' WHERE image_id = NEW.id; RETURN NULL;",
                    hash="a2b7a54285f64d98f36b74537a75c1f517e7effb",
                    operation='UPDATE OF "file"',
                    pgid="pgtrigger_reset_embeddings_f1102",
                    table="catalogue_productimage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="embeddedimage",
            trigger=pgtrigger.compiler.Trigger(
                name="move_embeddings",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."product_id" IS DISTINCT FROM (NEW."product_id"))',
                    func="UPDATE recommender_embedding_blue AS embedded SET (product_id, category_id, gender, base_colour, available) = ROW (product.id, product.category_id, product.gender, product.base_colour,\n    product.listed AND product.stock > 0)\n    FROM catalogue_product AS product\n    WHERE product.id = NEW.product_id AND embedded.image_id = NEW.id; UPDATE recommender_embedding_green AS embedded SET (product_id, category_id, gender, base_colour, available) = ROW (product.id, product.category_id, product.gender, product.base_colour,\n    product.listed AND product.stock > 0)\n    FROM catalogue_product AS product\n    WHERE product.id = NEW.product_id AND embedded.image_id = NEW.id; RETURN NULL;",
                    hash="08111809c6ab1a72974e86e048af16d8738e4add",
                    operation="UPDATE",
                    pgid="pgtrigger_move_embeddings_46ee1",
                    table="catalogue_productimage",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="embeddedproduct",
            trigger=pgtrigger.compiler.Trigger(
                name="describe_embeddings",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (\n    (OLD.category_id, OLD.gender, OLD.base_colour, OLD.listed AND OLD.stock > 0)\n    IS DISTINCT FROM\n    (NEW.category_id, NEW.gender, NEW.base_colour, NEW.listed AND NEW.stock > 0))",
                    func="UPDATE recommender_embedding_blue SET category_id = NEW.category_id, gender = NEW.gender,\n        base_colour = NEW.base_colour, available = NEW.listed AND NEW.stock > 0\n    WHERE product_id = NEW.id; UPDATE recommender_embedding_green SET category_id = NEW.category_id, gender = NEW.gender,\n        base_colour = NEW.base_colour, available = NEW.listed AND NEW.stock > 0\n    WHERE product_id = NEW.id; RETURN NULL;",
                    hash="2467bef6a062cf477d5bdebc474253f450b0ce06",
                    operation="UPDATE",
                    pgid="pgtrigger_describe_embeddings_1f0c8",
                    table="catalogue_product",
                    when="AFTER",
                ),
            ),
        ),
    ]
