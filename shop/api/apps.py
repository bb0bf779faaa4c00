from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save, pre_delete


class ApiConfig(AppConfig):
    name = "shop.api"

    def ready(self) -> None:
        post_save.connect(_end_token, sender=settings.AUTH_USER_MODEL)
        pre_delete.connect(_delete_idempotency_records, sender=settings.AUTH_USER_MODEL)


def _delete_idempotency_records(instance: Any, **kwargs: Any) -> None:
    """Delete the answers that the user got: they hold the address of an order."""
    from shop.api.idempotency import delete_records_of

    delete_records_of(instance)


def _end_token(instance: Any, created: bool, **kwargs: Any) -> None:
    """A new password, wherever it is set, shuts out who has the token as well.

    Django keeps the raw one until it is saved, but not when it only hashes the same one anew.
    """
    from rest_framework.authtoken.models import Token

    if instance._password is not None and not created:
        Token.objects.filter(user=instance).delete()
