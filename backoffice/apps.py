from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class StaffSiteConfig(AdminConfig):
    default_site = "backoffice.site.StaffSite"


class BackofficeConfig(AppConfig):
    name = "backoffice"

    def ready(self) -> None:
        # The sender is the recommender, because Django sends the signal only for apps with models,
        # and the recommender is the last of these.
        post_migrate.connect(_ensure_groups, sender=apps.get_app_config("recommender"))


def _ensure_groups(using: str, **kwargs: Any) -> None:
    from backoffice.groups import ensure_groups

    ensure_groups(using)
