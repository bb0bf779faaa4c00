from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_delete


class CatalogueConfig(AppConfig):
    name = "shop.catalogue"
    label = "catalogue"

    def ready(self) -> None:
        from shop.catalogue.images.unused_files import image_deleted
        from shop.catalogue.models import ProductImage

        post_delete.connect(image_deleted, sender=ProductImage)
