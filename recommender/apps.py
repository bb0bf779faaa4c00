from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_delete, post_migrate, post_save

from shop.core.tasks import enqueue


class RecommenderConfig(AppConfig):
    name = "recommender"

    def ready(self) -> None:
        """Watch the shop from above: the shop does not know the recommender."""
        from recommender.duplicates import follow
        from recommender.models import EmbeddingModel
        from recommender.related_cache import invalidate
        from shop.catalogue.models import Product, ProductImage
        from shop.catalogue.signals import products_merged
        from shop.imports.signals import catalogue_imported

        post_migrate.connect(_ensure_active_model, sender=self)
        products_merged.connect(follow)
        catalogue_imported.connect(_enqueue_embedding)
        post_save.connect(_enqueue_embedding, sender=ProductImage)
        products_merged.connect(invalidate)
        catalogue_imported.connect(invalidate)
        post_delete.connect(invalidate, sender=ProductImage)
        for model in (Product, ProductImage, EmbeddingModel):
            post_save.connect(invalidate, sender=model)


def _ensure_active_model(using: str, **kwargs: Any) -> None:
    """A new database begins with the model that the project ships."""
    from recommender.models import EmbeddingModel

    EmbeddingModel.objects.using(using).get_or_create(
        state="active", defaults={"name": settings.DEFAULT_MODEL, "slot": "blue"}
    )


def _enqueue_embedding(**kwargs: Any) -> None:
    enqueue("recommender.tasks.embed_pending_images")
