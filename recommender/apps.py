from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate


class RecommenderConfig(AppConfig):
    name = "recommender"

    def ready(self) -> None:
        post_migrate.connect(_ensure_active_model, sender=self)


def _ensure_active_model(using: str, **kwargs: Any) -> None:
    """A new database begins with the model that the project ships."""
    from recommender.models import EmbeddingModel

    EmbeddingModel.objects.using(using).get_or_create(
        state="active", defaults={"name": settings.DEFAULT_MODEL, "slot": "blue"}
    )
