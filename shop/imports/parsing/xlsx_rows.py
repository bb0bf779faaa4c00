"""Read the rows of an XLSX file one at a time."""

from __future__ import annotations

import csv
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import repeat
from typing import IO, Any

from django.utils.translation import gettext as _

from shop.imports.errors import ImportProblem
from shop.imports.parsing.archives import ZipStore
from shop.imports.parsing.columns import letter
from shop.imports.parsing.csv_rows import Dialect, RawRow, too_long_error
from shop.imports.parsing.numbers import Number

WORKBOOK = "xl/workbook.xml"
FORMULA = (b"<f>", b"<f ")


def is_workbook(file: IO[bytes]) -> bool:
    """Return whether the file is an Excel workbook; any other ZIP is not."""
    try:
        with zipfile.ZipFile(file) as archive:
            return WORKBOOK in archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return False
    finally:
        file.seek(0)


@contextmanager
def _workbook(file: IO[bytes], *, formulas: bool = False) -> Iterator[Any]:
    """Open a workbook; errors in the block become ``ImportProblem``.

    XML with entity bombs is refused, because openpyxl parses with defusedxml.
    """
    from openpyxl import load_workbook  # imported only here, because it takes 14 MB

    try:
        with zipfile.ZipFile(file) as archive:
            ZipStore(archive)
        book = load_workbook(file, read_only=True, data_only=not formulas, keep_links=False)
        try:
            yield book
        finally:
            book.close()
    except ImportProblem:
        raise
    except Exception as error:  # openpyxl raises many types for damaged files
        text = _("The file cannot be read as an Excel workbook (%(error)s). Save it again.")
        raise ImportProblem(text % {"error": type(error).__name__}) from error


@contextmanager
def _seekable(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield the file, or a seekable copy if it is inside an archive."""
    if not isinstance(file, zipfile.ZipExtFile):
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy, 1024 * 1024)
        copy.seek(0)
        yield copy


def read_sheet_header(
    file: IO[bytes], sheet: str
) -> tuple[Dialect, tuple[str, ...], tuple[str, ...]]:
    """Return the dialect and header of a sheet, by default the first, and all sheet names."""
    with _seekable(file) as seekable, _workbook(seekable) as book:
        names = tuple(each.title for each in book.worksheets)
        if not names or (sheet and sheet not in names):
            text = _("The workbook has no sheet %(sheet)s. It has: %(names)s")
            raise ImportProblem(text % {"sheet": sheet, "names": ", ".join(names)})
        chosen = sheet or names[0]
        for number, cells in enumerate(_values(book[chosen]), 1):
            texts = [_text(cell).strip() for cell in cells]
            if any(texts):
                while not texts[-1]:
                    texts.pop()
                return Dialect("", "", number, chosen), tuple(texts), names
    return Dialect("", "", 0, chosen), (), names


def sheet_rows(file: IO[bytes], dialect: Dialect) -> Iterator[RawRow]:
    """Yield the rows of a sheet below the header."""
    with _seekable(file) as seekable, _workbook(seekable) as book:
        sheet = book[dialect.sheet]
        if not _has_formulas(seekable, sheet):
            yield from _rows(_values(sheet), repeat(None), dialect.header_line)
            return
        with _workbook(seekable, formulas=True) as other:
            formulas = _values(other[dialect.sheet])
            yield from _rows(_values(sheet), formulas, dialect.header_line)


def _values(sheet: Any) -> Iterator[tuple[Any, ...]]:
    sheet.reset_dimensions()  # because the size stated in the file may be wrong
    yield from sheet.iter_rows()


def _has_formulas(file: IO[bytes], sheet: Any) -> bool:
    path = sheet._worksheet_path.lstrip("/")
    with zipfile.ZipFile(file) as archive, archive.open(path) as xml:
        before = b""
        while chunk := xml.read(1024 * 1024):
            if any(mark in before + chunk for mark in FORMULA):
                return True
            before = chunk[-4:]
    return False


def _rows(
    rows: Iterator[tuple[Any, ...]], formulas: Iterator[Any], header_line: int
) -> Iterator[RawRow]:
    for number, (cells, written) in enumerate(zip(rows, formulas, strict=False), 1):
        if number <= header_line:
            continue
        texts = [_text(cell) for cell in cells]
        problem = _unsaved_formula(cells, written) if written else ""
        # The same limit as for CSV, because PostgreSQL cannot index texts of more than 1 MB.
        if max(map(len, texts), default=0) > csv.field_size_limit():
            problem = too_long_error()
        if problem or any(text.strip() for text in texts):
            yield RawRow(number, texts, problem)


def _unsaved_formula(cells: tuple[Any, ...], written: tuple[Any, ...]) -> str:
    """Return an error if a formula has no saved value, or an empty string."""
    for place, (cell, source) in enumerate(zip(cells, written, strict=False)):
        if source.data_type == "f" and cell.value is None:
            text = _(
                "Column %(column)s contains a formula without a value. Open the file in Excel "
                "and save it again."
            )
            return text % {"column": letter(place)}
    return ""


def _text(cell: Any) -> str:
    """Return the cell as text; a number gets the leading zeros that its format shows."""
    value = cell.value
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int):
        shown = str(cell.number_format)
        return Number(str(value).zfill(len(shown)) if set(shown) == {"0"} else value)
    return Number(value)
