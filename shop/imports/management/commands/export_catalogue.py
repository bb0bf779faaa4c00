"""Export the catalogue as a file that ``import_catalogue`` reads (docs/importing.md)."""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.imports.export import export_lines, write_workbook


class Command(BaseCommand):
    help = "Write the catalogue as a CSV or XLSX file that import_catalogue reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path", type=Path, help="the .csv or .xlsx file, replaced only once it is complete"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        try:
            rows = _write(path)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error}") from error
        self.stdout.write(f"{rows:,} rows are in {path}")


def _write(path: Path) -> int:
    """Write the file and return the number of its rows without the header."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        if path.suffix.lower() == ".xlsx":
            with os.fdopen(handle, "wb") as file:
                rows = write_workbook(file)
        else:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as text:
                rows = sum(1 for line in export_lines() if text.write(line)) - 1
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return rows
