from __future__ import annotations

from allauth.account.signals import email_confirmed
from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "shop.orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from shop.accounts.signals import personal_data
        from shop.catalogue.signals import pre_merge_or_delete, products_merged
        from shop.orders import merging
        from shop.orders.personal_data import attach_guest_orders, attach_on_confirmation, export

        personal_data.connect(export)
        email_confirmed.connect(attach_on_confirmation)
        user_logged_in.connect(attach_guest_orders)
        pre_merge_or_delete.connect(merging.lock_orders)
        products_merged.connect(merging.on_products_merged)
