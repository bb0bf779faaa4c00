from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class WishlistConfig(AppConfig):
    name = "shop.wishlist"

    def ready(self) -> None:
        from shop.accounts.signals import personal_data
        from shop.catalogue.signals import products_merged
        from shop.wishlist import merging
        from shop.wishlist.saved import export, merge_on_login

        user_logged_in.connect(merge_on_login)
        personal_data.connect(export)
        products_merged.connect(merging.follow)
