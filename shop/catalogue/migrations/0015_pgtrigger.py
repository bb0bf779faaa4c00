"""Replace the hand-written triggers by those that the models declare."""

from __future__ import annotations

from importlib import import_module

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

stock = import_module("shop.catalogue.migrations.0004_variant_stock")
addresses = import_module("shop.catalogue.migrations.0013_former_addresses")

# CASCADE drops the triggers that call them.
DROP = """
DROP FUNCTION IF EXISTS
    catalogue_variant_stock, catalogue_former_path, catalogue_former_slug CASCADE
"""


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0014_remove_producttally")]

    operations = [
        migrations.RunSQL(DROP, stock.FUNCTION + addresses.NOTE),
        migrations.AlterModelTable("FormerPath", "catalogue_formerpath"),
        migrations.AlterModelTable("FormerSlug", "catalogue_formerslug"),
        migrations.RenameModel("FormerPath", "CategoryRedirect"),
        migrations.RenameModel("FormerSlug", "ProductRedirect"),
        migrations.AlterField(
            "categoryredirect",
            "category",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="redirects",
                to="catalogue.category",
            ),
        ),
        migrations.AlterField(
            "productredirect",
            "product",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="redirects",
                to="catalogue.product",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="category",
            trigger=pgtrigger.compiler.Trigger(
                name="redirect_old_path",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."path" IS DISTINCT FROM (NEW."path"))',
                    func="INSERT INTO catalogue_formerpath (path, category_id) VALUES (OLD.path, OLD.id) ON CONFLICT (path) DO UPDATE SET category_id = OLD.id; RETURN NULL;",
                    hash="097e4211ebff8910303b15250901b377ff519c3d",
                    operation='UPDATE OF "path"',
                    pgid="pgtrigger_redirect_old_path_c6825",
                    table="catalogue_category",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="redirect_old_slug",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."slug" IS DISTINCT FROM (NEW."slug"))',
                    func="INSERT INTO catalogue_formerslug (slug, product_id) VALUES (OLD.slug, OLD.id) ON CONFLICT (slug) DO UPDATE SET product_id = OLD.id; RETURN NULL;",
                    hash="420a325a58196e845c8233b0b7f768a2c9e1f4ee",
                    operation='UPDATE OF "slug"',
                    pgid="pgtrigger_redirect_old_slug_93c83",
                    table="catalogue_product",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="variant",
            trigger=pgtrigger.compiler.Trigger(
                name="stock_on_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="UPDATE catalogue_product AS product SET stock = product.stock + change.amount FROM (SELECT product_id, sum(amount) AS amount FROM (SELECT product_id, stock AS amount FROM new_rows) AS each GROUP BY 1) AS change WHERE product.id = change.product_id AND change.amount <> 0; RETURN NULL;",
                    hash="5b651667bc2f6ba2434a052e1e41075e3404392d",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_stock_on_insert_90dd3",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="catalogue_variant",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="variant",
            trigger=pgtrigger.compiler.Trigger(
                name="stock_on_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="UPDATE catalogue_product AS product SET stock = product.stock + change.amount FROM (SELECT product_id, sum(amount) AS amount FROM (SELECT product_id, -stock AS amount FROM old_rows) AS each GROUP BY 1) AS change WHERE product.id = change.product_id AND change.amount <> 0; RETURN NULL;",
                    hash="51f67fd16ed77f02e5e388d0ca3e7d11d062bef0",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_stock_on_delete_bbb22",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="catalogue_variant",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="variant",
            trigger=pgtrigger.compiler.Trigger(
                name="stock_on_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="UPDATE catalogue_product AS product SET stock = product.stock + change.amount FROM (SELECT product_id, sum(amount) AS amount FROM (SELECT product_id, stock AS amount FROM new_rows UNION ALL SELECT product_id, -stock AS amount FROM old_rows) AS each GROUP BY 1) AS change WHERE product.id = change.product_id AND change.amount <> 0; RETURN NULL;",
                    hash="c5b66c4fdfc3848a0e44b36bed6ed0665fb0af1d",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_stock_on_update_30034",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="catalogue_variant",
                    when="AFTER",
                ),
            ),
        ),
    ]
