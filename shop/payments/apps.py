from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "shop.payments"
    verbose_name = _("Card payments")

    def ready(self) -> None:
        from shop.accounts.signals import personal_data
        from shop.orders.payment import register
        from shop.payments.card import Card
        from shop.payments.personal_data import export

        personal_data.connect(export)

        if settings.STRIPE_SECRET_KEY:
            register(Card())
