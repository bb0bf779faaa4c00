"""Rename the permissions of a renamed model."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.migrations import RunPython


def rename_permissions(app_label: str, old: str, new: str) -> RunPython:
    """Return the operation that must accompany ``RenameModel(old, new)`` in a migration.

    Django renames only the content type; groups would keep permissions with the old name, which
    nothing checks.
    """
    return RunPython(partial(_rename, app_label, old, new), partial(_rename, app_label, new, old))


def _rename(app_label: str, old: str, new: str, apps: Any, schema_editor: Any) -> None:
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    for action in ("add", "change", "delete", "view"):
        found = permissions.filter(codename=f"{action}_{old.lower()}")
        found = found.filter(content_type__app_label=app_label)
        found.update(codename=f"{action}_{new.lower()}")
