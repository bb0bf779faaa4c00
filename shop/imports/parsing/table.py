"""Read a table of products: its header, the meaning of its columns, and its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from django.utils.translation import gettext as _

from shop.imports.errors import ImportProblem
from shop.imports.parsing.columns import (
    CATEGORY_PATH,
    DESCRIBING,
    FIELDS,
    IMAGE,
    KAGGLE_COLUMNS,
    KEYS,
    KNOWN,
    OPTIONAL,
    PRICES,
    VARIANT,
    letter,
)
from shop.imports.parsing.csv_rows import Dialect, RawRow, csv_rows, read_dialect
from shop.imports.parsing.encodings import find_encoding
from shop.imports.parsing.formats.base import Format, plain_name
from shop.imports.parsing.formats.known import known_format
from shop.imports.parsing.formulas import unescape_formula
from shop.imports.parsing.numbers import NOTATIONS, NotationDetector
from shop.imports.parsing.pictures import MAX_PICTURES, assign_pictures, split_names
from shop.imports.parsing.records import Record, product_key
from shop.imports.parsing.source import Source
from shop.imports.parsing.xlsx_rows import read_sheet_header, sheet_rows


@dataclass(frozen=True)
class ReadOptions:
    """Holds the settings for reading a table; empty settings are detected.

    ``columns`` has the field for each column of the file, "" for an ignored column. Without it,
    ``by_name`` maps the names of some columns to fields. ``category``, a path, and ``gender`` apply
    to new products for which the file has none.
    """

    columns: tuple[str, ...] = ()
    encoding: str = ""
    decimal: str = ""
    sheet: str = ""
    category: str = ""
    gender: str = ""
    by_name: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Holds the header of a table and, if ``read_table`` has read it, facts about its rows.

    ``columns`` has the field for each cell of the ``header``, "" for an ignored column. ``decimal``
    is the decimal mark, ``rows`` the number of rows, and ``ids`` has the ids of the products if the
    catalogue has pictures. ``keeps_zeros`` tells whether any id or SKU begins with 0.
    """

    source: Source
    dialect: Dialect
    header: tuple[str, ...]
    columns: tuple[str, ...]
    decimal: str = "."
    rows: int = 0
    ids: Collection[str] = ()
    sheets: tuple[str, ...] = ()
    keeps_zeros: bool = False

    @property
    def ignored_columns(self) -> list[str]:
        pairs = zip(self.header, self.columns, strict=True)
        known = self.known_format
        return [
            cell
            for cell, column in pairs
            if not column and cell and not (known and known.is_extra(cell))
        ]

    @property
    def known_format(self) -> Format | None:
        """Return the export format of another shop if the table has one, or ``None``."""
        return known_format(self.header)

    def __str__(self) -> str:
        """Return a text that tells staff how the table is read."""
        has_amounts = set(PRICES) & set(self.columns)
        return ", ".join((self.kind, *([NOTATIONS[self.decimal]] if has_amounts else [])))

    @property
    def kind(self) -> str:
        """Return a text about the file: the shop that exported it, if known, and the dialect."""
        known = self.known_format
        return ", ".join((*([known.name] if known else []), str(self.dialect)))

    def sample(self) -> str:
        """Return the first row that is not ASCII, which lets staff check the encoding.

        Raises ``ImportProblem`` if the file cannot be read.
        """
        rows = (", ".join(record.cells) for record in self.records())
        return next((row for row in rows if not row.isascii()), "")

    def records(self) -> Iterator[Record]:
        with self.source.open_table() as file:
            if self.dialect.sheet:
                rows = sheet_rows(file, self.dialect)
            else:
                rows = csv_rows(file, self.dialect, self.header, self.columns)
            records: Iterator[Record] = (_record(row, self.columns) for row in rows)
            if self.has_variants:
                records = _fill_parent_ids(records)
            known = self.known_format
            yield from known.records(records, self.header) if known else records

    @property
    def has_variants(self) -> bool:
        """Return whether one product may have several rows, one for each variant."""
        return {"id", "sku"} <= set(self.columns)


def read_table(source: Source, read_options: ReadOptions | None = None) -> Table:
    """Read the whole file, so that a bad one is refused before anything is written.

    Pictures are assigned to products, too. Raises ``ImportProblem``.
    """
    read_options = read_options or ReadOptions()
    table = read_header(source, read_options)
    _check(table, source, read_options)
    rows, notation, keeps_zeros = 0, NotationDetector(), False
    keys = [column for column in KEYS if column in table.columns]
    ids, named, fetched = set[str](), dict[str, list[str]](), dict[str, list[str]]()
    amounts = [column for column in (*PRICES, "stock") if column in table.columns]
    for record in table.records():
        rows += 1
        keeps_zeros = keeps_zeros or any(record.values[key][:1] == "0" for key in keys)
        if source.files or source.hosts:
            if key := product_key(record.values):
                ids.add(key)
            if cell := record.values.get(IMAGE):
                names, addresses = split_names(cell)
                named.setdefault(key, []).extend([*names, *source.local_names(addresses)])
                wanted = fetched.setdefault(key, [])
                wanted += [each for each in addresses if source.should_fetch(each)]
        for column in amounts:
            if text := record.values.get(column):
                notation.add(record.line, text, is_price=column != "stock")
    source.assigned = assign_pictures(source.files, ids, named)
    for key, addresses in fetched.items():
        pictures = source.assigned.of.setdefault(key, [])
        pictures += addresses[: MAX_PICTURES - len(pictures)]
    decimal = read_options.decimal or notation.decide()
    return replace(table, rows=rows, ids=ids, decimal=decimal, keeps_zeros=keeps_zeros)


def read_header(source: Source, read_options: ReadOptions | None = None) -> Table:
    """Return the table with its header but without facts about its rows.

    Required columns may be missing. Raises ``ImportProblem`` if the file cannot be read.
    """
    read_options = read_options or ReadOptions()
    sheets: tuple[str, ...] = ()
    if source.is_workbook:
        with source.open_table() as file:
            dialect, header, sheets = read_sheet_header(file, read_options.sheet)
    else:
        dialect, header = _csv_header(source, read_options.encoding)
    chosen = read_options.columns
    if len(chosen) != len(header):
        chosen = _columns_by_name(header, read_options.by_name)
    return Table(source, dialect, header, chosen, sheets=sheets)


def _csv_header(source: Source, encoding: str) -> tuple[Dialect, tuple[str, ...]]:
    if not encoding:
        with source.open_table() as file:
            encoding = find_encoding(file)
    with source.open_table() as file:
        return read_dialect(file, encoding)


def _columns_by_name(header: Sequence[str], by_name: Mapping[str, str]) -> tuple[str, ...]:
    """Return the field for each column.

    Raises ``ImportProblem`` if the header lacks a name in ``by_name``.
    """
    for name in by_name:
        if name not in header:
            text = _("The file has no column %(name)s. It has: %(header)s")
            raise ImportProblem(text % {"name": name, "header": ", ".join(header)[:1000]})
    pairs = zip(header, default_columns(header), strict=True)
    return tuple(by_name.get(cell, column) for cell, column in pairs)


def default_columns(header: Sequence[str]) -> tuple[str, ...]:
    """Return the field for each column by its name, "" for an unknown column."""
    known = known_format(header)
    if known:
        return tuple(known.columns.get(plain_name(cell), "") for cell in header)
    return tuple(KNOWN.get(cell.lower(), "") for cell in header)


def _check(table: Table, source: Source, read_options: ReadOptions) -> None:
    """Raise ``ImportProblem`` if the columns are not enough to import the table."""
    known = [column for column in table.columns if column]
    if problem := _duplicate_columns(table):
        raise ImportProblem(problem)
    if not set(KEYS) & set(known):
        text = _(
            "We could not find your article numbers. Choose “sku” or “id” for the column that "
            "holds them, and “price” and “stock” for theirs. Columns: %(header)s"
        )
        raise ImportProblem(text % {"header": ", ".join(table.header)[:200]})
    if len(known) == 1:
        text = _(
            "Apart from %(column)s, the header has no known columns. Known columns are: "
            "%(columns)s."
        )
        raise ImportProblem(text % {"column": known[0], "columns": ", ".join(FIELDS)})
    if table.known_format:
        _check_known(known, read_options)
        return
    required = [column for column in KAGGLE_COLUMNS if not _has_column(column, known)]
    if source.files and required:
        text = _(
            "The header is missing the columns %(columns)s. It must be: %(header)s, then "
            "any of %(others)s."
        )
        others = ", ".join((*OPTIONAL, *VARIANT))
        values = {"header": ",".join(KAGGLE_COLUMNS), "others": others}
        raise ImportProblem(text % {"columns": ", ".join(required), **values})


def _check_known(known: list[str], read_options: ReadOptions) -> None:
    """Raise ``ImportProblem`` if new products of another shop's export lack a category."""
    described = {"productDisplayName", IMAGE} <= set(known)
    if described and not read_options.category and not _has_column("articleType", known):
        raise ImportProblem(
            _("The file has no category column. Choose the category of new products.")
        )


def _duplicate_columns(table: Table) -> str:
    """Return an error if two columns have the same field, or an empty string."""
    read = sorted((column, place) for place, column in enumerate(table.columns) if column)
    for (column, place), (other, second) in pairwise(read):
        if column == other:
            text = _(
                "Columns %(one)s (%(first)s) and %(other)s (%(second)s) are both mapped to "
                "%(column)s. Ignore one of them, or rename it in the file."
            )
            cells = {"first": table.header[place], "second": table.header[second]}
            places = {"one": letter(place), "other": letter(second)}
            return text % {"column": column, **places, **cells}
    return ""


def _has_column(column: str, known: list[str]) -> bool:
    if column == "id" and "sku" in known:
        return True
    return column in known or (
        column in KAGGLE_COLUMNS[2:5] and bool({"category", *CATEGORY_PATH} & set(known))
    )


def _record(row: RawRow, columns: tuple[str, ...]) -> Record:
    """Return a record with the cells by field.

    The row may lack cells at its end, or have surplus cells if these are empty.
    """
    cells, problem = row.cells, row.problem
    width = len(columns)
    if len(cells) < width:
        cells = [*cells, *[""] * (width - len(cells))]
    elif len(cells) > width:
        if not problem and any(cell.strip() for cell in cells[width:]):
            text = _("The row has %(values)s values for %(columns)s columns.")
            problem = text % {"values": len(cells), "columns": width}
        cells = cells[:width]
    if any("\0" in cell for cell in cells):
        problem = problem or _("The row contains a NUL character. Remove it.")
        cells = [cell.replace("\0", "") for cell in cells]
    values = {
        column: unescape_formula(cell)
        for column, cell in zip(columns, cells, strict=True)
        if column
    }
    return Record(row.line, cells, values, problem)


def _fill_parent_ids(records: Iterator[Record]) -> Iterator[Record]:
    """Give each row that only describes a variant the id of the product above it."""
    above = ""
    for record in records:
        values = record.values
        describes = any(values.get(column, "").strip() for column in DESCRIBING)
        if record.problem or (describes and not values["id"].strip()):
            above = ""
        elif values["id"].strip():
            above = values["id"]
        else:
            values["id"] = above
        yield record
