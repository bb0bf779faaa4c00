from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save


class ApiConfig(AppConfig):
    name = "shop.api"

    def ready(self) -> None:
        post_save.connect(_end_token, sender=settings.AUTH_USER_MODEL)


def _end_token(instance: Any, created: bool, **kwargs: Any) -> None:
    """A new password, wherever it is set, shuts out who has the token as well.

    Django keeps the raw one until it is saved, but not when it only hashes the same one anew.
    """
    from rest_framework.authtoken.models import Token

    if instance._password is not None and not created:
        Token.objects.filter(user=instance).delete()
