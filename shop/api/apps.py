from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save, pre_delete


class ApiConfig(AppConfig):
    name = "shop.api"

    def ready(self) -> None:
        post_save.connect(_end_tokens, sender=settings.AUTH_USER_MODEL)
        pre_delete.connect(_delete_idempotency_records, sender=settings.AUTH_USER_MODEL)


def _delete_idempotency_records(instance: Any, **kwargs: Any) -> None:
    """Delete the answers that the user got: they hold the address of an order."""
    from shop.api.idempotency import delete_records_of

    delete_records_of(instance)


def _end_tokens(instance: Any, created: bool, **kwargs: Any) -> None:
    """End the user's tokens with a new password, wherever it is set.

    Django keeps the raw one until it is saved, but not when it only hashes the same one anew.
    """
    if instance._password is not None and not created:
        instance.api_tokens.all().delete()
