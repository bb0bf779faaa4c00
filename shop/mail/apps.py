from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _


class MailConfig(AppConfig):
    name = "shop.mail"
    verbose_name = _("Outgoing emails")

    def ready(self) -> None:
        from shop.mail.checks import check_mail_server

        register(check_mail_server, Tags.security, deploy=True)
