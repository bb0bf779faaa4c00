from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImportsConfig(AppConfig):
    name = "shop.imports"
    label = "imports"
    verbose_name = _("Uploads")

    def ready(self) -> None:
        from shop.catalogue.signals import files_needed, pre_merge_or_delete
        from shop.imports.jobs.rollback import files_to_restore
        from shop.imports.writing.writer import wait_for_other_imports

        pre_merge_or_delete.connect(wait_for_other_imports)
        files_needed.connect(files_to_restore)
