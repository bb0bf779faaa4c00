from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class CartConfig(AppConfig):
    name = "shop.cart"
    verbose_name = _("Cart")

    def ready(self) -> None:
        from shop.accounts.signals import personal_data
        from shop.cart import merging
        from shop.cart.personal_data import export
        from shop.cart.session import merge_on_login
        from shop.catalogue.signals import pre_merge_or_delete, products_merged

        user_logged_in.connect(merge_on_login)
        personal_data.connect(export)
        pre_merge_or_delete.connect(merging.lock_carts)
        products_merged.connect(merging.on_products_merged)
