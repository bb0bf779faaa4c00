"""Keep the meaning of columns by their position instead of their name."""

from __future__ import annotations

import hashlib
import json

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

KNOWN = (
    *("id", "gender", "masterCategory", "subCategory", "articleType"),
    *("baseColour", "season", "year", "usage", "productDisplayName"),
    *("brand", "price", "currency", "stock", "description"),
    *("sku", "size", "variantColour", "variantPrice", "categoryPath"),
)


def convert(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A remembered mapping knows its header by a hash only: the uploads have the headers."""
    known = {name.lower(): name for name in KNOWN}
    headers = {}
    for upload in apps.get_model("imports", "Upload").objects.iterator():
        upload.columns = [upload.mapping.get(c, known.get(c.lower(), "")) for c in upload.header]
        upload.save(update_fields=["columns"])
        signature = hashlib.sha256(json.dumps(upload.header).encode()).hexdigest()
        headers[signature] = upload.header
    for remembered in apps.get_model("imports", "ColumnMapping").objects.iterator():
        header = headers.get(remembered.header)
        if header is None:
            remembered.delete()
            continue
        remembered.columns = [remembered.mapping.get(cell, "") for cell in header]
        remembered.save(update_fields=["columns"])
    # PostgreSQL alters no table on which deferred checks are pending.
    schema_editor.connection.check_constraints()


class Migration(migrations.Migration):
    dependencies = [("imports", "0005_upload_warnings")]

    operations = [
        migrations.AddField("upload", "columns", models.JSONField(default=list)),
        migrations.AddField(
            "upload",
            "decimal",
            models.CharField(blank=True, default="", max_length=1, verbose_name="decimals"),
            preserve_default=False,
        ),
        migrations.AddField(
            "columnmapping", "columns", models.JSONField(default=list), preserve_default=False
        ),
        migrations.RunPython(convert, migrations.RunPython.noop),
        migrations.RemoveField("upload", "mapping"),
        migrations.RemoveField("columnmapping", "mapping"),
        migrations.AlterField(
            "upload",
            "dialect",
            models.CharField(blank=True, max_length=80, verbose_name="read as"),
        ),
    ]
