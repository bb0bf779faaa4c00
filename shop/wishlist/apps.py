from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import pre_delete
from django.utils.translation import gettext_lazy as _


class WishlistConfig(AppConfig):
    name = "shop.wishlist"
    verbose_name = _("Wishlist")

    def ready(self) -> None:
        from shop.accounts.signals import personal_data
        from shop.catalogue.signals import products_merged
        from shop.wishlist import merging
        from shop.wishlist.items import merge_on_login
        from shop.wishlist.personal_data import export, forget

        user_logged_in.connect(merge_on_login)
        personal_data.connect(export)
        pre_delete.connect(forget, sender=settings.AUTH_USER_MODEL)
        products_merged.connect(merging.on_products_merged)
