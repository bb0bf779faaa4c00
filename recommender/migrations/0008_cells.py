from __future__ import annotations

import django.db.models.deletion
import pgvector.django.halfvec
from django.db import migrations, models

# A picture whose vector was written after its product was read may miss a change of the product
# that ran beside it: recommender.nearest.cells mends that.
PLACE = """
CREATE FUNCTION recommender_place() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sketch halfvec;
BEGIN
    IF TG_ARGV[0] = 'blue' THEN sketch := NEW.sketch_blue; ELSE sketch := NEW.sketch_green; END IF;
    IF sketch IS NULL THEN
        DELETE FROM recommender_placement WHERE image_id = NEW.id AND slot = TG_ARGV[0];
        RETURN NULL;
    END IF;
    INSERT INTO recommender_placement AS placed (image_id, slot, cell_id, product_id, available,
        gender, base_colour, category_id, price)
    SELECT NEW.id, TG_ARGV[0], (
            SELECT cell.id FROM recommender_cell AS cell
            JOIN recommender_embeddingmodel AS model ON model.id = cell.model_id
            WHERE model.slot = TG_ARGV[0] AND model.state <> 'retired' AND cell.retired IS NULL
            ORDER BY cell.centre <-> sketch LIMIT 1),
        product.id, product.listed AND product.stock > 0,
        product.gender, product.base_colour, product.category_id, product.price
    FROM catalogue_product AS product WHERE product.id = NEW.product_id
    ON CONFLICT (image_id, slot) DO UPDATE SET cell_id = EXCLUDED.cell_id,
        product_id = EXCLUDED.product_id, available = EXCLUDED.available,
        gender = EXCLUDED.gender, base_colour = EXCLUDED.base_colour,
        category_id = EXCLUDED.category_id, price = EXCLUDED.price;
    RETURN NULL;
END $$;
CREATE FUNCTION recommender_describe() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE recommender_placement SET available = NEW.listed AND NEW.stock > 0,
        gender = NEW.gender, base_colour = NEW.base_colour,
        category_id = NEW.category_id, price = NEW.price
    WHERE product_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER recommender_described AFTER UPDATE ON catalogue_product FOR EACH ROW WHEN (
    (OLD.listed AND OLD.stock > 0, OLD.gender, OLD.base_colour, OLD.category_id, OLD.price)
    IS DISTINCT FROM
    (NEW.listed AND NEW.stock > 0, NEW.gender, NEW.base_colour, NEW.category_id, NEW.price)
) EXECUTE FUNCTION recommender_describe();
"""
TRIGGERS = """
CREATE TRIGGER recommender_added_{slot} AFTER INSERT ON catalogue_productimage
    FOR EACH ROW WHEN (NEW.embedding_{slot} IS NOT NULL)
    EXECUTE FUNCTION recommender_place('{slot}');
CREATE TRIGGER recommender_placed_{slot} AFTER UPDATE OF embedding_{slot}, product_id
    ON catalogue_productimage
    FOR EACH ROW WHEN (OLD.embedding_{slot} IS NOT NULL OR NEW.embedding_{slot} IS NOT NULL)
    EXECUTE FUNCTION recommender_place('{slot}');
INSERT INTO recommender_placement (image_id, slot, product_id, available, gender, base_colour,
    category_id, price)
SELECT image.id, '{slot}', product.id, product.listed AND product.stock > 0,
    product.gender, product.base_colour, product.category_id, product.price
FROM catalogue_productimage AS image JOIN catalogue_product AS product
    ON product.id = image.product_id
WHERE image.embedding_{slot} IS NOT NULL;
"""
DROP = """
DROP TRIGGER recommender_described ON catalogue_product;
DROP TRIGGER recommender_added_blue ON catalogue_productimage;
DROP TRIGGER recommender_added_green ON catalogue_productimage;
DROP TRIGGER recommender_placed_blue ON catalogue_productimage;
DROP TRIGGER recommender_placed_green ON catalogue_productimage;
DROP FUNCTION recommender_place();
DROP FUNCTION recommender_describe();
"""
GOES = """ALTER TABLE recommender_placement ADD CONSTRAINT placement_of_picture
    FOREIGN KEY (image_id) REFERENCES catalogue_productimage ON DELETE CASCADE"""
STAYS = "ALTER TABLE recommender_placement DROP CONSTRAINT placement_of_picture"


class Migration(migrations.Migration):
    """Cells of vectors for searches with filters, and the triggers that keep pictures in them."""

    dependencies = [
        ("catalogue", "0009_listing_indexes"),
        ("recommender", "0007_near_duplicates"),
    ]

    operations = [
        migrations.CreateModel(
            name="Cell",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("centre", pgvector.django.halfvec.HalfVectorField(dimensions=256)),
                ("retired", models.DateTimeField(null=True)),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cells",
                        to="recommender.embeddingmodel",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Placement",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "image_id",
                        "slot",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "slot",
                    models.CharField(choices=[("blue", "blue"), ("green", "green")], max_length=5),
                ),
                ("available", models.BooleanField()),
                ("gender", models.CharField(max_length=10)),
                ("base_colour", models.CharField(max_length=40)),
                ("category_id", models.BigIntegerField()),
                ("price", models.DecimalField(decimal_places=2, max_digits=10)),
                (
                    "cell",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="placements",
                        to="recommender.cell",
                    ),
                ),
                (
                    "image",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalogue.productimage",
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
                "indexes": [
                    models.Index(
                        fields=["cell", "price"],
                        include=["image", "product", "available"],
                        name="placement_price",
                    ),
                    models.Index(
                        condition=models.Q(("available", True)),
                        fields=["cell", "gender"],
                        include=["image", "product"],
                        name="placement_gender",
                    ),
                    models.Index(
                        condition=models.Q(("available", True)),
                        fields=["cell", "base_colour"],
                        include=["image", "product"],
                        name="placement_colour",
                    ),
                    models.Index(
                        condition=models.Q(("available", True)),
                        fields=["cell", "category_id"],
                        include=["image", "product"],
                        name="placement_category",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            PLACE + TRIGGERS.format(slot="blue") + TRIGGERS.format(slot="green"), DROP
        ),
        migrations.RunSQL(GOES, STAYS),
    ]
