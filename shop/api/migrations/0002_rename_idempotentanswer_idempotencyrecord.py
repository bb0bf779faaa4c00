from __future__ import annotations

from django.db import migrations

from shop.core.permissions import rename_permissions


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        # The table keeps its name, so renaming the model changes no table.
        migrations.AlterModelTable("idempotentanswer", "api_idempotentanswer"),
        migrations.RenameModel("IdempotentAnswer", "IdempotencyRecord"),
        rename_permissions("api", "IdempotentAnswer", "IdempotencyRecord"),
    ]
