from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class CartConfig(AppConfig):
    name = "shop.cart"

    def ready(self) -> None:
        from shop.cart.session import merge_on_login

        user_logged_in.connect(merge_on_login)
