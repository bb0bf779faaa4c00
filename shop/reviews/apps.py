from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import pre_delete
from django.utils.translation import gettext_lazy as _


class ReviewsConfig(AppConfig):
    name = "shop.reviews"
    verbose_name = _("Reviews")

    def ready(self) -> None:
        from shop.accounts.signals import personal_data
        from shop.catalogue.signals import products_merged
        from shop.reviews import merging
        from shop.reviews.personal_data import export, forget

        personal_data.connect(export)
        pre_delete.connect(forget, sender=settings.AUTH_USER_MODEL)
        products_merged.connect(merging.on_products_merged)
