from __future__ import annotations

import sys
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.models.signals import post_delete, post_migrate, post_save
from django.utils.translation import gettext_lazy as _

from shop.core.tasks import enqueue


class RecommenderConfig(AppConfig):
    name = "recommender"
    verbose_name = _("Similar items")

    def ready(self) -> None:
        """Connect receivers to the shop's signals, because the shop does not import recommender."""
        # With this package OpenVINO reports conversions of networks to Google Analytics, unasked.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        from recommender.duplicates.grouping import on_products_merged
        from recommender.models import EmbeddingModel
        from recommender.recommendations.cache import invalidate
        from recommender.tracking.searches import record_empty_search
        from shop.catalogue.models import Product, ProductImage
        from shop.catalogue.signals import nothing_found, products_merged
        from shop.imports.signals import catalogue_imported

        post_migrate.connect(_ensure_active_model, sender=self)
        products_merged.connect(on_products_merged)
        nothing_found.connect(record_empty_search)
        catalogue_imported.connect(_enqueue_embedding)
        catalogue_imported.connect(_enqueue_garments)
        post_save.connect(_enqueue_embedding, sender=ProductImage)
        products_merged.connect(invalidate)
        catalogue_imported.connect(invalidate)
        post_delete.connect(invalidate, sender=ProductImage)
        for model in (Product, ProductImage, EmbeddingModel):
            post_save.connect(invalidate, sender=model)


def _ensure_active_model(using: str, **kwargs: Any) -> None:
    """Activate the shipped model in a database without an active one."""
    from recommender.embedding.model_store import installed_model
    from recommender.models import EmbeddingModel
    from recommender.models.trigger_sql import insert_missing

    if EmbeddingModel.objects.using(using).filter(state="active").exists():
        return
    model = EmbeddingModel(name=settings.DEFAULT_MODEL, slot="blue", state="active")
    if folder := installed_model(settings.DEFAULT_MODEL):
        model.sha256 = folder.sha256
        model.spread = folder.spread or model.spread
    model.save(using=using)
    with connections[using].cursor() as cursor:
        cursor.execute(insert_missing("blue"))


def _enqueue_embedding(**kwargs: Any) -> None:
    enqueue("recommender.tasks.embed_pending_images")


def _enqueue_garments(**kwargs: Any) -> None:
    enqueue("recommender.tasks.fill_garments")
