"""Import a catalogue with its pictures (docs/importing.md)."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from tqdm import tqdm

from shop.catalogue.models import Product
from shop.imports.errors import ImportProblem
from shop.imports.jobs.report import default_path, summary, write_report
from shop.imports.jobs.run import Progress, Result, import_catalogue
from shop.imports.parsing.columns import FIELDS
from shop.imports.parsing.encodings import check_encoding
from shop.imports.parsing.numbers import NOTATIONS
from shop.imports.parsing.table import ReadOptions

MAX_PRINTED_MESSAGES = 5
RESUME_HINT = "The rows imported so far are saved; run the command again to continue."


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is not a number of rows, 1 or more")
    return int(text)


def _encoding(text: str) -> str:
    try:
        return check_encoding(text)
    except LookupError as error:
        raise ArgumentTypeError(f"{text} is not the name of an encoding") from error


def _column(text: str) -> tuple[str, str]:
    name, mark, field = text.rpartition("=")
    if not mark or field not in ("", *FIELDS):
        known = ", ".join(FIELDS)
        raise ArgumentTypeError(f"{text} is not the name of a column, = and one of: {known}")
    return name, field


class Command(BaseCommand):
    help = "Import products and their pictures from a folder or a ZIP with styles.csv and images/."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="folder or ZIP, or styles.csv with --images")
        parser.add_argument("--images", type=Path, help="folder or ZIP of the pictures")
        parser.add_argument("--encoding", type=_encoding, help="such as cp1250, if detection fails")
        parser.add_argument(
            "--no-new-categories",
            action="store_true",
            help="reject rows that would need a new category",
        )
        parser.add_argument("--sheet", default="", help="sheet of a workbook, by default the first")
        parser.add_argument(
            "--decimal", choices=NOTATIONS, default="", help="the decimal mark, if detection fails"
        )
        parser.add_argument(
            "--columns",
            nargs="+",
            type=_column,
            metavar="NAME=FIELD",
            default=[],
            help="what columns of the file stand for, such as Preis=price; nothing to ignore one",
        )
        parser.add_argument(
            "--category",
            default="",
            help="path of the category for new products whose rows name none",
        )
        parser.add_argument(
            "--gender",
            choices=Product.Gender.values,
            default="",
            help="gender of new products whose rows name none",
        )
        parser.add_argument(
            "--fetch-images",
            nargs="+",
            metavar="HOST",
            default=[],
            help="hosts from which pictures may be fetched that rows name by URL",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="report the changes without writing them"
        )
        parser.add_argument("--report", type=Path, help="file for the rejected rows and warnings")
        parser.add_argument(
            "--sample-data",
            action="store_true",
            help="make up the names, brands, prices and stock that new products lack",
        )
        parser.add_argument("--limit", type=_count, help="read only the first rows")

    def handle(self, *args: Any, **options: Any) -> None:
        result = self._import(options)
        self.stdout.write(summary(result))
        if result.dry_run:
            self.stdout.write("Dry run: nothing was written.")
        if result.rejections or result.row_warnings or options["report"]:
            self._report(result, options["report"] or default_path())

    def _import(self, options: dict[str, Any]) -> Result:
        with tqdm(unit=" rows", disable=not sys.stderr.isatty()) as bar:
            try:
                return import_catalogue(
                    options["path"],
                    images=options["images"],
                    dry_run=options["dry_run"],
                    limit=options["limit"],
                    progress=_update_bar(bar),
                    sample_data=options["sample_data"],
                    new_categories=not options["no_new_categories"],
                    fetch_from=options["fetch_images"],
                    read_options=ReadOptions(
                        encoding=options["encoding"] or "",
                        decimal=options["decimal"],
                        sheet=options["sheet"],
                        category=options["category"],
                        gender=options["gender"],
                        by_name=dict(options["columns"]),
                    ),
                )
            except ImportProblem as problem:
                raise CommandError(str(problem)) from problem
            except OperationalError as error:
                raise CommandError(
                    f"The database did not answer: {error}. {RESUME_HINT}"
                ) from error
            except KeyboardInterrupt:
                raise CommandError(f"Stopped. {RESUME_HINT}", returncode=130) from None

    def _report(self, result: Result, path: Path) -> None:
        try:
            write_report(result, path)
        except OSError as error:
            raise CommandError(
                f"The import is done, but the report could not be written: {error}. "
                "Name a file in a folder that can be written with --report."
            ) from error
        for messages in (result.rejections, result.row_warnings):
            for message in messages[:MAX_PRINTED_MESSAGES]:
                place = f"line {message.line}: {message.external_id}"
                place = place if message.line else message.value
                self.stdout.write(f"{place}: {message.reason}")
            if len(messages) > MAX_PRINTED_MESSAGES:
                self.stdout.write(f"… and {len(messages) - MAX_PRINTED_MESSAGES:,} more.")
        self.stdout.write(f"Rejected rows and warnings are listed in {path}")


def _update_bar(bar: Any) -> Progress:
    """Return a callback that shows the progress in ``bar``."""

    def update(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return update
