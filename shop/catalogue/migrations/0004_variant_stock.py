from __future__ import annotations

from django.db import migrations

EXISTING = """
INSERT INTO catalogue_variant (product_id, sku, size, colour, stock, position)
SELECT id, coalesce(external_id, 'P' || id), '', '', stock, 0 FROM catalogue_product
"""
# Deltas, not sums: two transactions that change two variants of one product both count.
FUNCTION = """
CREATE FUNCTION catalogue_variant_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE catalogue_product AS product SET stock = product.stock + change.amount
        FROM (SELECT product_id, sum(stock) AS amount FROM added GROUP BY 1) AS change
        WHERE product.id = change.product_id AND change.amount <> 0;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE catalogue_product AS product SET stock = product.stock - change.amount
        FROM (SELECT product_id, sum(stock) AS amount FROM removed GROUP BY 1) AS change
        WHERE product.id = change.product_id AND change.amount <> 0;
    ELSE
        UPDATE catalogue_product AS product SET stock = product.stock + change.amount
        FROM (
            SELECT product_id, sum(amount) AS amount FROM (
                SELECT product_id, stock AS amount FROM added
                UNION ALL SELECT product_id, -stock FROM removed
            ) AS each GROUP BY 1
        ) AS change
        WHERE product.id = change.product_id AND change.amount <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER catalogue_variant_added AFTER INSERT ON catalogue_variant
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_variant_stock();
CREATE TRIGGER catalogue_variant_changed AFTER UPDATE ON catalogue_variant
    REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_variant_stock();
CREATE TRIGGER catalogue_variant_removed AFTER DELETE ON catalogue_variant
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_variant_stock();
"""
DROP = """
DROP TRIGGER catalogue_variant_added ON catalogue_variant;
DROP TRIGGER catalogue_variant_changed ON catalogue_variant;
DROP TRIGGER catalogue_variant_removed ON catalogue_variant;
DROP FUNCTION catalogue_variant_stock();
"""


class Migration(migrations.Migration):
    """A variant for every product there is, and the trigger that adds up their stock."""

    dependencies = [("catalogue", "0003_variant")]

    operations = [
        migrations.RunSQL(EXISTING, migrations.RunSQL.noop),
        migrations.RunSQL(FUNCTION, DROP),
    ]
