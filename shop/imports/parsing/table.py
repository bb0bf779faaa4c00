"""From the bytes of a table to records: its encoding, delimiter, header and quoting."""

from __future__ import annotations

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import IO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.imports.errors import ImportProblem, RowError
from shop.imports.parsing.source import Source

CLASSIC = (
    *("id", "gender", "masterCategory", "subCategory", "articleType"),
    *("baseColour", "season", "year", "usage", "productDisplayName"),
)
OPTIONAL = ("brand", "price", "currency", "stock", "description")
# Where they stand, a row is a variant, and rows of one id are the variants of one product.
VARIANT = ("sku", "size", "variantColour", "variantPrice")
# A category of any depth by its address; wins over the three names.
EXACT = ("categoryPath",)
FIELDS = (*CLASSIC, *OPTIONAL, *VARIANT, *EXACT)
KNOWN = {column.lower(): column for column in FIELDS}
KEYS = ("sku", "id")
DELIMITERS = {
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "\t": gettext_lazy("tab"),
    "|": gettext_lazy("bar"),
}
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# One line of text; more is a file of another kind, or one made to fill the memory.
MAX_LINE = 1024 * 1024
# A quotation mark that is not closed within so many lines was never meant to be one.
MAX_LINES_OF_A_ROW = 1000


@dataclass(frozen=True)
class Record:
    """One row as it stands in the file. ``problem`` says why its values could not be told apart."""

    line: int
    values: dict[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Dialect:
    """How the bytes are to be read."""

    encoding: str
    delimiter: str

    def __str__(self) -> str:
        encoding = self.encoding.upper().removesuffix("-SIG")
        return f"{encoding}, {DELIMITERS[self.delimiter]}"


@dataclass(frozen=True)
class Table:
    """A checked table: what its header says, and how many rows follow.

    ``header`` are the cells of the first line, ``columns`` what each stands for.
    """

    source: Source
    dialect: Dialect
    header: tuple[str, ...]
    columns: tuple[str, ...]
    rows: int = field(default=0)

    @property
    def ignored_columns(self) -> list[str]:
        return [column for column in self.columns if column not in FIELDS]

    def records(self) -> Iterator[Record]:
        with self.source.open_table() as file:
            yield from _records(file, self.dialect, self.columns)


def read_table(source: Source, mapping: Mapping[str, str] | None = None) -> Table:
    """Read the file once from end to end, so that a bad one is refused before anything is written.

    ``mapping`` says which column of the file stands for which of ``FIELDS``; columns that have
    such a name need none. Raises ``ImportProblem``.
    """
    table = read_header(source, mapping)
    _check(table, source)
    rows = sum(1 for _record in table.records())
    return Table(source, table.dialect, table.header, table.columns, rows)


def read_header(source: Source, mapping: Mapping[str, str] | None = None) -> Table:
    """What the first line says, whatever it lacks. Raises ``ImportProblem``."""
    with source.open_table() as file:
        encoding = _encoding(file)
    with source.open_table() as file:
        first = next(_lines(file, encoding), "")
    if "\0" in first:
        raise ImportProblem(_("The first line holds the character NUL. Save it again as CSV."))
    dialect = Dialect(encoding, _delimiter(first))
    cells = _header(first, dialect.delimiter)
    if cells is None:
        text = _("The first line has a name of over %(limit)s characters. Is this a CSV file?")
        raise ImportProblem(text % {"limit": csv.field_size_limit()})
    header = tuple(cells)
    columns = tuple(_column(cell, mapping or {}) for cell in header)
    return Table(source, dialect, header, columns)


def _encoding(file: IO[bytes]) -> str:
    """By its mark, by the zeros of UTF-16, by being UTF-8, or Windows' own as the last."""
    head = file.read(4096)
    for mark, name in BOMS.items():
        if head.startswith(mark):
            return name
    if head.count(b"\0") > len(head) // 4:
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while head:
            decoder.decode(head)
            head = file.read(1024 * 1024)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(header: str) -> str:
    """The one that makes most known columns of the header, or else most columns."""

    def score(delimiter: str) -> tuple[int, int]:
        cells = _header(header, delimiter) or []
        return sum(cell.lower() in KNOWN for cell in cells), len(cells)

    return max(DELIMITERS, key=score)


def _header(line: str, delimiter: str) -> list[str] | None:
    """Its cells, or ``None`` if one is too long for the reader."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return None


def _column(cell: str, mapping: Mapping[str, str]) -> str:
    """A column that is mapped to nothing is not read, whatever its name."""
    if cell in mapping:
        return mapping[cell] or f"({cell})"
    return KNOWN.get(cell.lower(), cell)


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
            "Save the table again as CSV in UTF-8."
        )
        values = {"line": number, "encoding": text.encoding.upper(), "error": error}
        raise ImportProblem(message % values) from error
    if len(line) > MAX_LINE:
        message = _("Line %(line)s is longer than 1 MB. Is this a CSV file?")
        raise ImportProblem(message % {"line": number})
    return line


def _check(table: Table, source: Source) -> None:
    known = [column for column in table.columns if column in FIELDS]
    repeated = sorted({column for column in table.columns if table.columns.count(column) > 1})
    if repeated:
        names = ", ".join(name or _("an empty name") for name in repeated)
        text = _("The first line names %(names)s twice. Remove one.")
        raise ImportProblem(text % {"names": names})
    if not set(KEYS) & set(known):
        text = _("The first line must name the column sku or id. It is: %(header)s")
        raise ImportProblem(text % {"header": ",".join(table.header)[:200]})
    if len(known) == 1:
        text = _(
            "Beside %(column)s the first line names no column that is known. "
            "Known are: %(columns)s."
        )
        raise ImportProblem(text % {"column": known[0], "columns": ", ".join(FIELDS)})
    required = [column for column in CLASSIC if not _given(column, known)]
    if source.index and required:
        text = _(
            "The first line lacks the columns %(columns)s. It must be: %(header)s, "
            "then any of %(others)s."
        )
        others = ", ".join((*OPTIONAL, *VARIANT))
        values = {"header": ",".join(CLASSIC), "others": others}
        raise ImportProblem(text % {"columns": ", ".join(required), **values})


def _given(column: str, known: list[str]) -> bool:
    if column == "id" and "sku" in known:
        return True
    return column in known or (column in CLASSIC[2:5] and "categoryPath" in known)


def _records(file: IO[bytes], dialect: Dialect, columns: tuple[str, ...]) -> Iterator[Record]:
    lines = _lines(file, dialect.encoding)
    next(lines, None)
    if columns == CLASSIC and dialect.delimiter == ",":
        return _classic(lines)
    return _quoted(lines, dialect.delimiter, columns)


def _classic(lines: Iterator[str]) -> Iterator[Record]:
    """Kaggle's layout: nothing is quoted, and a comma too many belongs to the name, the last."""
    for number, line in enumerate(lines, 2):
        if line.strip():
            yield _record(number, _split_classic(line.rstrip("\n")), CLASSIC)


def _split_classic(line: str) -> list[str]:
    last = len(CLASSIC) - 1
    if '"' in line:
        try:
            cells = next(csv.reader([line], strict=True))
            return [*cells[:last], ",".join(cells[last:])] if len(cells) > last else cells
        except csv.Error:
            pass  # the quotation marks are inches or such, and part of the text
    return line.split(",", last)


def _quoted(lines: Iterator[str], delimiter: str, columns: tuple[str, ...]) -> Iterator[Record]:
    """A CSV file as spreadsheets write it: a quoted value may hold delimiters and line breaks.

    A quotation mark that is never closed costs its own line and not the rest of the file.
    """
    waiting: deque[str] = deque()
    number = 1  # the header
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
        if cells is None or (len(taken) > 1 and len(cells) != len(columns)):
            waiting.extendleft(reversed(taken[1:]))
            problem = _("The quotation marks do not match.")
            yield Record(number, _values(first.rstrip("\n").split(delimiter), columns), problem)
            continue
        if any(cell.strip() for cell in cells):
            yield _record(number, cells, columns)
        number += len(taken) - 1


def _cells(lines: list[str], delimiter: str) -> tuple[list[str] | None, bool]:
    """The cells of one row, or ``None``, and whether it ends within quotation marks."""
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True)), False
    except csv.Error as error:
        return None, "unexpected end" in str(error)


def _values(cells: list[str], columns: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(columns, cells, strict=False))


def _record(line: int, cells: list[str], columns: tuple[str, ...]) -> Record:
    problem = ""
    if len(cells) != len(columns):
        text = _("The row has %(values)s values for %(columns)s columns.")
        problem = text % {"values": len(cells), "columns": len(columns)}
    elif any("\0" in cell for cell in cells):
        problem = _("The row holds the character NUL. Remove it.")
        cells = [cell.replace("\0", "") for cell in cells]
    return Record(line, _values(cells, columns), problem)


def checked(record: Record) -> dict[str, str]:
    """The values of a whole record. Raises ``RowError``."""
    if record.problem:
        raise RowError(record.problem)
    return record.values
