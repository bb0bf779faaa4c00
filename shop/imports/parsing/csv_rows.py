"""Read the rows of a CSV file: its delimiter, header and quoting."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import IO, NamedTuple

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.imports.errors import ImportProblem
from shop.imports.parsing.columns import KAGGLE_COLUMNS, KNOWN
from shop.imports.parsing.encodings import ENCODINGS

DELIMITERS = {
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "\t": gettext_lazy("tab"),
    "|": gettext_lazy("vertical bar"),
}
# A line above the header, such as "sep=;", may state the delimiter for Excel.
SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
# A longer line means that the file is not CSV, or was made to exhaust memory.
MAX_LINE = 1024 * 1024
# A quotation mark that is still open after this many lines is taken for an inch mark or a typo.
MAX_LINES_PER_ROW = 1000


class RawRow(NamedTuple):
    """Holds the cells of a row; ``problem`` tells staff why the cells could not be separated."""

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True)
class Dialect:
    """Describes how to read the file; the rows begin after line ``header_line``."""

    encoding: str
    delimiter: str
    header_line: int
    sheet: str = ""

    def __str__(self) -> str:
        if self.sheet:
            return _("Excel, sheet %(sheet)s") % {"sheet": self.sheet}
        name = self.encoding.removesuffix("-sig")
        encoding = ENCODINGS.get(name, name.upper())
        return f"{encoding}, {DELIMITERS.get(self.delimiter, self.delimiter)}"


def read_dialect(file: IO[bytes], encoding: str) -> tuple[Dialect, tuple[str, ...]]:
    """Return the dialect and the header, skipping blank lines and ``sep=`` above the header."""
    forced = ""
    for number, line in enumerate(_lines(file, encoding), 1):
        if "\0" in line:
            text = _("Line %(line)s contains a NUL character. Save the table as CSV again.")
            raise ImportProblem(text % {"line": number})
        if found := SEPARATOR.fullmatch(line.rstrip("\n")):
            forced = found[1]
        elif line.strip('",;|\t \n'):
            delimiter = forced or _delimiter(line)
            cells = _header(line, delimiter)
            if cells is None:
                text = _(
                    "The header has a name longer than %(limit)s characters. Is this a CSV file?"
                )
                raise ImportProblem(text % {"limit": csv.field_size_limit()})
            return Dialect(encoding, delimiter, number), tuple(cells)
    return Dialect(encoding, forced or ",", 0), ()


def _delimiter(header: str) -> str:
    """Return the delimiter that yields the most known columns in the header.

    If several do, return the one that yields the most columns.
    """

    def score(delimiter: str) -> tuple[int, int]:
        cells = _header(header, delimiter) or []
        return sum(cell.lower() in KNOWN for cell in cells), len(cells)

    return max(DELIMITERS, key=score)


def _header(line: str, delimiter: str) -> list[str] | None:
    """Return the cells of the header, or ``None`` if a cell is too long for ``csv``."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return None


def _lines(file: IO[bytes], encoding: str) -> Iterator[str]:
    text = io.TextIOWrapper(file, encoding)
    try:
        for number in count(1):
            line = _line(text, number)
            if not line:
                return
            yield line.rstrip("\n") + "\n"
    finally:
        # The wrapper is detached, because it would otherwise close the file of the caller.
        with suppress(ValueError):
            text.detach()


def _line(text: io.TextIOWrapper, number: int) -> str:
    try:
        line = text.readline(MAX_LINE + 1)
    except UnicodeError as error:
        message = _(
            "Line %(line)s or one soon after it cannot be read as %(encoding)s (%(error)s). "
            "Choose another encoding, or save the table again as CSV in UTF-8."
        )
        values = {"line": number, "encoding": text.encoding.upper(), "error": error}
        raise ImportProblem(message % values) from error
    if len(line) > MAX_LINE:
        message = _("Line %(line)s is longer than 1 MB. Is this a CSV file?")
        raise ImportProblem(message % {"line": number})
    return line


def csv_rows(
    file: IO[bytes], dialect: Dialect, header: tuple[str, ...], columns: tuple[str, ...]
) -> Iterator[RawRow]:
    """Yield the rows below the header; a row may have more or fewer cells than the header."""
    lines = _lines(file, dialect.encoding)
    for _number in range(dialect.header_line):
        next(lines, None)
    if columns == KAGGLE_COLUMNS and dialect.delimiter == ",":
        return _kaggle_rows(lines, dialect.header_line)
    return _quoted_rows(lines, dialect, len(header))


def _kaggle_rows(lines: Iterator[str], header_line: int) -> Iterator[RawRow]:
    """Read the rows of Kaggle's data set.

    Cells are not quoted, and surplus commas belong to the name, which is the last cell.
    """
    for number, line in enumerate(lines, header_line + 1):
        if line.strip():
            yield RawRow(number, split_kaggle_line(line.rstrip("\n")))


def split_kaggle_line(line: str) -> list[str]:
    """Return the cells of a line; only the last cell, the name, may contain commas."""
    last = len(KAGGLE_COLUMNS) - 1
    if '"' in line:
        try:
            cells = next(csv.reader([line], strict=True))
            return [*cells[:last], ",".join(cells[last:])] if len(cells) > last else cells
        except csv.Error:
            pass  # the quotation marks are part of the text, such as inch marks
    return line.split(",", last)


def _quoted_rows(lines: Iterator[str], dialect: Dialect, width: int) -> Iterator[RawRow]:
    """Read CSV as written by spreadsheets: a quoted cell may contain delimiters and line breaks.

    If a quotation mark is never closed, only its own line is rejected, not the rest of the file.
    """
    pushed_back: deque[str] = deque()
    number, delimiter = dialect.header_line, dialect.delimiter
    while True:
        first = pushed_back.popleft() if pushed_back else next(lines, "")
        if not first:
            return
        number += 1
        row_lines = [first]
        cells, is_open = _cells(row_lines, delimiter)
        size = len(first)
        while is_open and len(row_lines) < MAX_LINES_PER_ROW and size <= MAX_LINE:
            line = pushed_back.popleft() if pushed_back else next(lines, "")
            if not line:
                break
            row_lines.append(line)
            size += len(line)
            if '"' in line:  # only a quotation mark can close the cell
                cells, is_open = _cells(row_lines, delimiter)
        if cells is None or (len(row_lines) > 1 and len(cells) < width):
            pushed_back.extendleft(reversed(row_lines[1:]))
            problem = _("The quotation marks do not match.")
            if _is_too_long(first, delimiter):
                problem = too_long_error()
            yield RawRow(number, first.rstrip("\n").split(delimiter), problem)
            continue
        if any(cell.strip() for cell in cells):
            yield RawRow(number, cells)
        number += len(row_lines) - 1


def too_long_error() -> str:
    """Return the error for a cell with more characters than ``csv.field_size_limit()``."""
    text = _("A cell has more than %(limit)s characters.")
    return text % {"limit": intcomma(csv.field_size_limit())}


def _is_too_long(line: str, delimiter: str) -> bool:
    try:
        next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        return "field limit" in str(error)
    return False


def _cells(lines: list[str], delimiter: str) -> tuple[list[str] | None, bool]:
    """Return the cells of one row, and whether a quotation mark is still open.

    The cells are ``None`` if they cannot be separated.
    """
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True)), False
    except csv.Error as error:
        return None, "unexpected end" in str(error)
