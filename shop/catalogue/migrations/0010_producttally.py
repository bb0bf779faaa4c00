from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

# One row for each kind that the statement changed, none where nothing did: a checkout that leaves
# something in stock writes nothing.
FUNCTION = """
CREATE FUNCTION catalogue_product_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO catalogue_producttally (category_id, gender, base_colour, in_stock, n)
        SELECT category_id, gender, base_colour, stock > 0, count(*) FROM added
        WHERE listed GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO catalogue_producttally (category_id, gender, base_colour, in_stock, n)
        SELECT category_id, gender, base_colour, stock > 0, -count(*) FROM removed
        WHERE listed GROUP BY 1, 2, 3, 4;
    ELSE
        INSERT INTO catalogue_producttally (category_id, gender, base_colour, in_stock, n)
        SELECT category_id, gender, base_colour, in_stock, sum(n) FROM (
            SELECT category_id, gender, base_colour, stock > 0 AS in_stock, 1 AS n
            FROM added WHERE listed
            UNION ALL SELECT category_id, gender, base_colour, stock > 0, -1
            FROM removed WHERE listed
        ) AS each GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER catalogue_product_added AFTER INSERT ON catalogue_product
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_product_tally();
CREATE TRIGGER catalogue_product_changed AFTER UPDATE ON catalogue_product
    REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_product_tally();
CREATE TRIGGER catalogue_product_removed AFTER DELETE ON catalogue_product
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_product_tally();
INSERT INTO catalogue_producttally (category_id, gender, base_colour, in_stock, n)
SELECT category_id, gender, base_colour, stock > 0, count(*) FROM catalogue_product
WHERE listed GROUP BY 1, 2, 3, 4;
"""
DROP = """
DROP TRIGGER catalogue_product_added ON catalogue_product;
DROP TRIGGER catalogue_product_changed ON catalogue_product;
DROP TRIGGER catalogue_product_removed ON catalogue_product;
DROP FUNCTION catalogue_product_tally();
"""


class Migration(migrations.Migration):
    """How many products of each kind there are, and the trigger that keeps it."""

    dependencies = [("catalogue", "0009_listing_indexes")]

    operations = [
        migrations.CreateModel(
            name="ProductTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("gender", models.CharField(max_length=10)),
                ("base_colour", models.CharField(max_length=40)),
                ("in_stock", models.BooleanField()),
                ("n", models.IntegerField()),
                (
                    "category",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="tallies",
                        to="catalogue.category",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FUNCTION, DROP),
    ]
