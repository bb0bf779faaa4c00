"""Import a table by the staff's page and by the command, and tell what came of it."""

from __future__ import annotations

import csv
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

from django.core.management import CommandError, call_command
from django.test import Client

from shop.catalogue.models import Category, Product
from shop.imports.models import Upload
from tests.shop.imports.conftest import Send, act, picture, zipped


@dataclass(frozen=True)
class Outcome:
    """What an import did, and said.

    ``counts`` are imported, updated, unchanged and rejected rows. ``rejected`` and ``warned`` hold
    the line, or the picture, and the reason; ``notes`` are about the whole file.
    """

    counts: tuple[int, ...]
    rejected: list[tuple[int | str, str]]
    warned: list[tuple[int | str, str]]
    notes: list[str]


class Door(Protocol):
    """Bring a table into the shop, after a check that must foretell everything.

    ``pictures`` are names of files, each of its own content; none are sent without. ``columns``
    say what columns of these names stand for.
    """

    def bring(
        self,
        table: bytes | str,
        pictures: Iterable[str] | None = None,
        *,
        name: str = "styles.csv",
        columns: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Outcome: ...

    def refusal(self, table: bytes | str, pictures: Iterable[str] | None = None) -> str:
        """Return why the file is refused as a whole."""
        ...


def _pictures_folder(folder: Path, names: Iterable[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for number, name in enumerate(names):
        kind = "PNG" if name.lower().endswith(".png") else "JPEG"
        (folder / name).write_bytes(picture(kind=kind, size=(60, 80 + number)))
    return folder


def _data(table: bytes | str) -> bytes:
    return table.encode() if isinstance(table, str) else table


def _size_of_shop() -> tuple[int, int]:
    return Product.objects.count(), Category.objects.count()


@dataclass
class PageDoor:
    client: Client
    send: Send
    folder: Path

    def bring(
        self,
        table: bytes | str,
        pictures: Iterable[str] | None = None,
        *,
        name: str = "styles.csv",
        columns: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Outcome:
        upload = self._sent(table, pictures, name)
        chosen = {
            f"column{upload.header.index(name)}": column for name, column in (columns or {}).items()
        }
        values = {name: "on" if value is True else value for name, value in options.items()}
        before = _size_of_shop()
        upload = act(self.client, upload, "check", **chosen, **values)
        assert (upload.state, upload.message) == ("checked", "")
        assert _size_of_shop() == before
        foretold = self._outcome(upload)
        upload = act(self.client, upload, "start")
        assert (upload.state, upload.message) == ("done", "")
        assert self._outcome(upload) == foretold
        return foretold

    def refusal(self, table: bytes | str, pictures: Iterable[str] | None = None) -> str:
        upload = act(self.client, self._sent(table, pictures), "check")
        assert upload.state == "refused"
        page = html.unescape(self.client.get(upload.get_absolute_url()).content.decode())
        assert upload.message in page
        return upload.message

    def _sent(
        self, table: bytes | str, pictures: Iterable[str] | None, name: str = "styles.csv"
    ) -> Upload:
        archive = None
        if pictures is not None:
            archive = zipped(
                _pictures_folder(self.folder / "sent", pictures), self.folder / "p.zip"
            )
        return self.send(_data(table), archive, name=name)

    def _outcome(self, upload: Upload) -> Outcome:
        page = html.unescape(self.client.get(upload.get_absolute_url()).content.decode())
        errors = list(upload.errors.all())
        assert [error for error in errors if error.reason not in page] == []
        assert [note for note in upload.warnings if note not in page] == []
        counts = (upload.imported, upload.updated, upload.unchanged, upload.rejected)
        assert upload.read == sum(counts)
        said = [(e.is_warning, (e.line or e.value, e.reason)) for e in errors]
        return Outcome(
            counts,
            [message for is_warning, message in said if not is_warning],
            [message for is_warning, message in said if is_warning],
            [upload.dialect, *upload.warnings],
        )


@dataclass
class CommandDoor:
    folder: Path

    def bring(
        self,
        table: bytes | str,
        pictures: Iterable[str] | None = None,
        *,
        name: str = "styles.csv",
        columns: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Outcome:
        if columns:
            options["columns"] = [f"{name}={column}" for name, column in columns.items()]
        before = _size_of_shop()
        foretold = self._run(table, pictures, name, **options, dry_run=True)
        assert _size_of_shop() == before
        done = self._run(table, pictures, name, **options)
        assert done == foretold
        return done

    def refusal(self, table: bytes | str, pictures: Iterable[str] | None = None) -> str:
        try:
            self._run(table, pictures, "styles.csv")
        except CommandError as error:
            return str(error)
        raise AssertionError("it was not refused")

    def _run(
        self, table: bytes | str, pictures: Iterable[str] | None, name: str, **options: Any
    ) -> Outcome:
        (self.folder / name).write_bytes(_data(table))
        report, out = self.folder / "report.csv", StringIO()
        if pictures is not None:
            options["images"] = _pictures_folder(self.folder / "images", pictures)
        arguments = [str(self.folder / name), "--report", str(report)]
        for option, value in options.items():
            arguments.append(f"--{option.replace('_', '-')}")
            arguments += value if isinstance(value, list) else [] if value is True else [str(value)]
        call_command("import_catalogue", *arguments, stdout=out)
        lines = out.getvalue().splitlines()
        numbers = [int(line.split()[-1].replace(",", "")) for line in lines[1:6]]
        assert numbers[0] == sum(numbers[1:])
        with report.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        said = [
            (row["kind"], (int(row["line"]) if row["line"] else row["value"], row["reason"]))
            for row in rows
        ]
        return Outcome(
            tuple(numbers[1:]),
            [message for kind, message in said if kind == "rejected"],
            [message for kind, message in said if kind == "warning"],
            [
                lines[0].removeprefix("Read as "),
                *self._notes(lines[6:], {row["reason"] for row in rows}),
            ],
        )

    @staticmethod
    def _notes(lines: list[str], reasons: set[str]) -> list[str]:
        """Return the lines about the whole file, which stand before those about its rows."""
        ends = ("Ignored columns: ", "Dry run: ", "Rejected rows and warnings")
        rest = (
            n for n, line in enumerate(lines) if line.startswith(ends) or _is_of_row(line, reasons)
        )
        return lines[: next(rest, len(lines))]


def _is_of_row(line: str, reasons: set[str]) -> bool:
    return any(line.endswith(f": {reason}") for reason in reasons)
