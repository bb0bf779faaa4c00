from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save, pre_delete


class ApiConfig(AppConfig):
    name = "shop.api"

    def ready(self) -> None:
        post_save.connect(_revoke_tokens, sender=settings.AUTH_USER_MODEL)
        pre_delete.connect(_delete_idempotency_records, sender=settings.AUTH_USER_MODEL)


def _delete_idempotency_records(instance: Any, **kwargs: Any) -> None:
    """Delete a user's recorded responses, because they hold private links to orders."""
    from shop.api.idempotency import delete_records_of

    delete_records_of(instance)


def _revoke_tokens(instance: Any, created: bool, **kwargs: Any) -> None:
    """Revoke the user's tokens when a new password is saved, wherever it is set.

    Django holds a new password in ``_password`` until the save is complete. The attribute is
    ``None`` when Django only rehashes the current password.
    """
    if instance._password is not None and not created:
        instance.api_tokens.all().delete()
