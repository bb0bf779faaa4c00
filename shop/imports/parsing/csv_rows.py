"""From the bytes of a CSV file to rows of cells: its encoding, delimiter, header and quoting."""

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
    "|": gettext_lazy("bar"),
}
# Excel's own first line, which says what separates.
SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
# One line of text; more is a file of another kind, or one made to fill the memory.
MAX_LINE = 1024 * 1024
# A quotation mark that is not closed within so many lines was never meant to be one.
MAX_LINES_OF_A_ROW = 1000


class RawRow(NamedTuple):
    """The cells of a row. ``problem`` says why they could not be told apart."""

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True)
class Dialect:
    """How the bytes are to be read; the rows begin after line ``header_line``."""

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
    """Return the dialect and the header, which blank lines and ``sep=`` may precede."""
    forced = ""
    for number, line in enumerate(_lines(file, encoding), 1):
        if "\0" in line:
            text = _("Line %(line)s holds the character NUL. Save the table again as CSV.")
            raise ImportProblem(text % {"line": number})
        if found := SEPARATOR.fullmatch(line.rstrip("\n")):
            forced = found[1]
        elif line.strip('",;|\t \n'):
            delimiter = forced or _delimiter(line)
            cells = _header(line, delimiter)
            if cells is None:
                text = _("The header has a name of over %(limit)s characters. Is this a CSV file?")
                raise ImportProblem(text % {"limit": csv.field_size_limit()})
            return Dialect(encoding, delimiter, number), tuple(cells)
    return Dialect(encoding, forced or ",", 0), ()


def _delimiter(header: str) -> str:
    """Return the one that makes most known columns of the header, or else most columns."""

    def score(delimiter: str) -> tuple[int, int]:
        cells = _header(header, delimiter) or []
        return sum(cell.lower() in KNOWN for cell in cells), len(cells)

    return max(DELIMITERS, key=score)


def _header(line: str, delimiter: str) -> list[str] | None:
    """Return its cells, or ``None`` if one is too long for the reader."""
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
        # The file is its opener's to close.
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
    """Read the rows after the header, each as many cells as it has."""
    lines = _lines(file, dialect.encoding)
    for _number in range(dialect.header_line):
        next(lines, None)
    if columns == KAGGLE_COLUMNS and dialect.delimiter == ",":
        return _classic(lines, dialect.header_line)
    return _quoted(lines, dialect, len(header))


def _classic(lines: Iterator[str], header_line: int) -> Iterator[RawRow]:
    """Read Kaggle's layout: nothing is quoted, and a comma too many belongs to the name."""
    for number, line in enumerate(lines, header_line + 1):
        if line.strip():
            yield RawRow(number, split_classic(line.rstrip("\n")))


def split_classic(line: str) -> list[str]:
    last = len(KAGGLE_COLUMNS) - 1
    if '"' in line:
        try:
            cells = next(csv.reader([line], strict=True))
            return [*cells[:last], ",".join(cells[last:])] if len(cells) > last else cells
        except csv.Error:
            pass  # the quotation marks are inches or such, and part of the text
    return line.split(",", last)


def _quoted(lines: Iterator[str], dialect: Dialect, width: int) -> Iterator[RawRow]:
    """Read CSV as spreadsheets write it: a quoted value may hold delimiters and line breaks.

    A quotation mark that is never closed costs its own line and not the rest of the file.
    """
    waiting: deque[str] = deque()
    number, delimiter = dialect.header_line, dialect.delimiter
    while True:
        first = waiting.popleft() if waiting else next(lines, "")
        if not first:
            return
        number += 1
        taken = [first]
        cells, is_open = _cells(taken, delimiter)
        size = len(first)
        while is_open and len(taken) < MAX_LINES_OF_A_ROW and size <= MAX_LINE:
            line = waiting.popleft() if waiting else next(lines, "")
            if not line:
                break
            taken.append(line)
            size += len(line)
            if '"' in line:  # nothing else can close it
                cells, is_open = _cells(taken, delimiter)
        if cells is None or (len(taken) > 1 and len(cells) < width):
            waiting.extendleft(reversed(taken[1:]))
            problem = _("The quotation marks do not match.")
            if _is_too_long(first, delimiter):
                text = _("A cell has over %(limit)s characters.")
                problem = text % {"limit": intcomma(csv.field_size_limit())}
            yield RawRow(number, first.rstrip("\n").split(delimiter), problem)
            continue
        if any(cell.strip() for cell in cells):
            yield RawRow(number, cells)
        number += len(taken) - 1


def _is_too_long(line: str, delimiter: str) -> bool:
    try:
        next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        return "field limit" in str(error)
    return False


def _cells(lines: list[str], delimiter: str) -> tuple[list[str] | None, bool]:
    """Return the cells of one row, or ``None``, and whether it ends within quotation marks."""
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True)), False
    except csv.Error as error:
        return None, "unexpected end" in str(error)
