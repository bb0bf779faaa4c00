"""``manage.py make_demo_catalogue``: draws products and pictures to import."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from demo.catalogue.folder import write_demo_catalogue


class Command(BaseCommand):
    help = "Draw a demo catalogue without any licence, as a folder for import_catalogue."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        default = Path(settings.VAR_DIR) / "demo-catalogue"
        parser.add_argument("path", type=Path, nargs="?", default=default, help="folder to write")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        try:
            count = write_demo_catalogue(path)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} products are in {path}")
