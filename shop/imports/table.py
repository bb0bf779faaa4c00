"""From the bytes of styles.csv to records: its lines, its header and its two ways of quoting."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from shop.imports.errors import ImportProblem, RowError
from shop.imports.source import Source

CLASSIC = (
    *("id", "gender", "masterCategory", "subCategory", "articleType"),
    *("baseColour", "season", "year", "usage", "productDisplayName"),
)
OPTIONAL = ("brand", "price", "currency", "stock", "description")
KNOWN = {column.lower(): column for column in (*CLASSIC, *OPTIONAL)}
# One line of text; more is a file of another kind, or one made to fill the memory.
MAX_LINE = 1024 * 1024


@dataclass(frozen=True)
class Record:
    """One row as it stands in the file. ``problem`` says why its values could not be told apart."""

    line: int
    values: dict[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """A checked table: what its header says, and how many rows follow."""

    source: Source
    columns: tuple[str, ...]
    rows: int

    @property
    def ignored_columns(self) -> list[str]:
        return [column for column in self.columns if column not in KNOWN.values()]

    def records(self) -> Iterator[Record]:
        with self.source.open_table() as file:
            yield from _records(file, self.columns)


def read_table(source: Source) -> Table:
    """Read the file once from end to end, so that a bad one is refused before anything is written.

    Raises ``ImportProblem``.
    """
    with source.open_table() as file:
        columns = _columns(next(_lines(file), ""))
    with source.open_table() as file:
        rows = sum(1 for _record in _records(file, columns))
    return Table(source, columns, rows)


def _lines(file: IO[bytes]) -> Iterator[str]:
    for number, data in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), 1):
        if len(data) > MAX_LINE:
            raise ImportProblem(f"Line {number} is longer than 1 MB. Is this a CSV file?")
        if b"\0" in data:
            raise ImportProblem(
                f"Line {number} holds a NUL byte. Save the table again as CSV in UTF-8."
            )
        try:
            text = data.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ImportProblem(
                f"Line {number} is not UTF-8 ({error.reason}). Save the table again in UTF-8."
            ) from error
        yield text.rstrip("\r\n") + "\n"


def _columns(header: str) -> tuple[str, ...]:
    cells = next(csv.reader([header]), [])
    columns = tuple(KNOWN.get(cell.strip().lower(), cell.strip()) for cell in cells)
    missing = [column for column in CLASSIC if column not in columns]
    if missing:
        hint = " Separate them with commas, not semicolons." if ";" in header else ""
        raise ImportProblem(
            f"The first line lacks the columns {', '.join(missing)}. It must be: "
            f"{','.join(CLASSIC)}, then any of {', '.join(OPTIONAL)}.{hint}"
        )
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise ImportProblem(f"The first line names {', '.join(repeated)} twice. Remove one.")
    return columns


def _records(file: IO[bytes], columns: tuple[str, ...]) -> Iterator[Record]:
    lines = _lines(file)
    next(lines, None)
    return _classic(lines) if columns == CLASSIC else _quoted(lines, columns)


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


def _quoted(lines: Iterator[str], columns: tuple[str, ...]) -> Iterator[Record]:
    """A CSV file as spreadsheets write it: a quoted value may hold commas and line breaks."""
    reader = csv.reader(lines, strict=True)
    while True:
        number = reader.line_num + 2  # the header is line 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(number, {}, f"The quotation marks do not match ({error}).")
            continue
        if any(cell.strip() for cell in cells):
            yield _record(number, cells, columns)


def _record(line: int, cells: list[str], columns: tuple[str, ...]) -> Record:
    values = dict(zip(columns, cells, strict=False))
    problem = ""
    if len(cells) != len(columns):
        problem = f"The row has {len(cells)} values for {len(columns)} columns."
    return Record(line, values, problem)


def checked(record: Record) -> dict[str, str]:
    """The values of a whole record. Raises ``RowError``."""
    if record.problem:
        raise RowError(record.problem)
    return record.values
