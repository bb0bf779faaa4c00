from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_delete, post_migrate, post_save
from django.db.transaction import on_commit

from shop.core.tasks import enqueue


class RecommenderConfig(AppConfig):
    name = "recommender"

    def ready(self) -> None:
        """Watch the shop from above: the shop does not know the recommender."""
        from recommender.duplicates import follow
        from recommender.models import EmbeddingModel
        from shop.catalogue.models import Product, ProductImage
        from shop.catalogue.signals import products_merged
        from shop.imports.signals import catalogue_imported

        post_migrate.connect(_ensure_active_model, sender=self)
        post_save.connect(_picture_saved, sender=ProductImage)
        post_delete.connect(_forget_around, sender=ProductImage)
        post_save.connect(_forget_around, sender=Product)
        post_save.connect(_forget_around, sender=EmbeddingModel)
        catalogue_imported.connect(_enqueue_embedding)
        catalogue_imported.connect(_forget_around)
        products_merged.connect(follow)
        products_merged.connect(_forget_around)


def _ensure_active_model(using: str, **kwargs: Any) -> None:
    """A new database begins with the model that the project ships."""
    from recommender.models import EmbeddingModel

    EmbeddingModel.objects.using(using).get_or_create(
        state="active", defaults={"name": settings.DEFAULT_MODEL, "slot": "blue"}
    )


def _picture_saved(**kwargs: Any) -> None:
    _enqueue_embedding()
    _forget_around()


def _forget_around(**kwargs: Any) -> None:
    from recommender.remembered import forget

    on_commit(forget)


def _enqueue_embedding(**kwargs: Any) -> None:
    enqueue("recommender.tasks.embed_pending_images")
