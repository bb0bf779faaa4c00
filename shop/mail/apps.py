from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register


class MailConfig(AppConfig):
    name = "shop.mail"

    def ready(self) -> None:
        from shop.mail.checks import check_mail_server

        register(check_mail_server, Tags.security, deploy=True)
