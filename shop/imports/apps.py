from __future__ import annotations

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "shop.imports"
    label = "imports"

    def ready(self) -> None:
        from shop.catalogue.signals import files_needed, products_merging
        from shop.imports.jobs.rollback import shown_again
        from shop.imports.writing.writer import wait_for_other_imports

        products_merging.connect(wait_for_other_imports)
        files_needed.connect(shown_again)
