"""Import a catalogue, for the command as well as for uploads by staff."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shop.imports.errors import RowError
from shop.imports.models import GenderWord
from shop.imports.parsing.archives import list_names
from shop.imports.parsing.columns import IMAGE
from shop.imports.parsing.groups import FirstRows
from shop.imports.parsing.pictures import nearest_id
from shop.imports.parsing.records import Record
from shop.imports.parsing.rows import Row, external_id, parse_row
from shop.imports.parsing.source import Source, open_source
from shop.imports.parsing.table import ReadOptions, Table, read_table
from shop.imports.parsing.words import GENDER_WORDS
from shop.imports.writing.batch import Changes
from shop.imports.writing.damage import padded_keys
from shop.imports.writing.preparation import PreparedRow, batches, prepare_ahead
from shop.imports.writing.writer import Writer

# Called with the rows processed so far and the total.
Progress = Callable[[int, int], None]
MAX_THREADS = 4
# At most this many unused pictures are listed, to keep the report short.
MAX_UNUSED = 200


@dataclass(frozen=True)
class RowMessage:
    """Holds the reason why a row was rejected, or a warning about an imported row."""

    line: int
    external_id: str
    reason: str
    column: str = ""
    value: str = ""


@dataclass
class Result:
    """Counts the rows of a run and collects its messages.

    Each of the ``read`` rows counts once as imported, updated, unchanged or rejected.
    """

    read: int = 0
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    new_pictures: int = 0
    rejections: list[RowMessage] = field(default_factory=list)
    row_warnings: list[RowMessage] = field(default_factory=list)
    dialect: str = ""
    ignored_columns: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sample_values: Counter[str] = field(default_factory=Counter)
    without_price: int = 0
    without_stock: int = 0
    dry_run: bool = False

    @property
    def rejected(self) -> int:
        return len({message.line for message in self.rejections})

    @property
    def done(self) -> int:
        return self.imported + self.updated + self.unchanged + self.rejected

    def reject(self, line: int, external_id: str, reason: str, column: str, value: str) -> None:
        """Record the reason why a row is rejected."""
        self.rejections.append(RowMessage(line, external_id, reason, column, value[:80]))

    def warn(self, line: int, sku: str, reason: str, column: str = "", value: str = "") -> None:
        """Record a warning about an imported row or, with line 0, about a file."""
        self.row_warnings.append(RowMessage(line, sku, reason, column, value[:80]))


@dataclass(frozen=True)
class WrittenBatch:
    """Holds the changes of a batch that was written.

    All rows of the file up to ``last_line`` have been processed.
    """

    changes: Changes
    last_line: int
    result: Result
    total: int


# Called after each batch, in its transaction unless this is a dry run. It may raise an error to
# stop the run.
AfterBatch = Callable[[WrittenBatch], None]


def import_catalogue(
    source: Path,
    *,
    images: Path | None = None,
    dry_run: bool = False,
    limit: int | None = None,
    progress: Progress | None = None,
    read_options: ReadOptions | None = None,
    after_line: int = 0,
    after_batch: AfterBatch | None = None,
    sample_data: bool = False,
    new_categories: bool = True,
    names: Mapping[Path, str] | None = None,
    fetch_from: Collection[str] = (),
) -> Result:
    """Import the catalogue at ``source``; a second import writes only what has changed.

    ``names`` maps files to the names for error messages. Rows up to ``after_line`` are skipped,
    because an interrupted run has processed them. With ``sample_data``, new products get made-up
    names, brands, prices and stock if the file has none; without ``new_categories``, rows that need
    a new category are rejected. Pictures on the web are fetched only from the hosts ``fetch_from``.
    If the catalogue cannot be read, ``ImportProblem`` is raised before anything is written.
    """
    with open_source(source, images, names) as opened:
        opened.hosts = frozenset(host.lower() for host in fetch_from)
        read_options = read_options or ReadOptions()
        table = read_table(opened, read_options)
        result = Result(ignored_columns=table.ignored_columns, dry_run=dry_run)
        result.dialect = str(table)
        result.warnings = opened.warnings
        total = table.rows if limit is None else min(limit, table.rows)
        # Snapshots are taken only for uploads, which pass ``after_batch``, because only uploads can
        # be rolled back.
        writer = Writer(
            dry_run=dry_run,
            snapshots=after_batch is not None,
            sample_data=sample_data,
            new_categories=new_categories,
            category=read_options.category,
            gender=read_options.gender,
            padded={} if table.keeps_zeros else padded_keys(),
        )
        if not after_line:
            _warn_of_unused_pictures(table, result)
        records = islice(table.records(), total)
        rows = _valid_rows(records, table, result, after_line)
        _run(opened, rows, writer, result, total, progress, after_batch)
    result.rejections.sort(key=lambda message: message.line)
    result.row_warnings.sort(key=lambda message: message.line)
    result.warnings += [*_missing_values(result, table), *_new_categories(writer)]
    return result


def _missing_values(result: Result, table: Table) -> Iterator[str]:
    """Yield warnings about new products without a price or stock."""
    if result.without_price and "price" not in table.columns:
        yield ngettext(
            "There is no price column: %(count)s new product will not be listed.",
            "There is no price column: %(count)s new products will not be listed.",
            result.without_price,
        ) % {"count": intcomma(result.without_price)}
    if result.without_stock:
        yield ngettext(
            "The file gives no stock for %(count)s new product: it will be sold out.",
            "The file gives no stock for %(count)s new products: they will be sold out.",
            result.without_stock,
        ) % {"count": intcomma(result.without_stock)}


def _new_categories(writer: Writer) -> Iterator[str]:
    """Yield a warning that lists the new categories, possible misspellings first."""
    names = [
        _("%(new)s (similar: %(name)s)") % {"new": new, "name": nearest} if nearest else new
        for new, nearest in sorted(writer.new_categories, key=lambda pair: not pair[1])
    ]
    if names:
        yield ngettext(
            "%(count)s new category: %(names)s", "%(count)s new categories: %(names)s", len(names)
        ) % {"count": intcomma(len(names)), "names": list_names(names, short=False)}


def _run(
    source: Source,
    rows: Iterator[Row],
    writer: Writer,
    result: Result,
    total: int,
    progress: Progress | None,
    after_batch: AfterBatch | None,
) -> None:
    pool = _threads()
    try:
        for prepared in prepare_ahead(batches(rows, source), source, pool):
            _write(writer, prepared, result, total, after_batch)
            if progress:
                progress(result.done, total)
    finally:
        pool.shutdown(cancel_futures=True)
    writer.finish()
    if progress:
        progress(result.done, total)


def _threads() -> ThreadPoolExecutor:
    """Return a thread pool whose threads use the current language; they do not inherit it."""
    language = translation.get_language()
    return ThreadPoolExecutor(
        min(MAX_THREADS, os.cpu_count() or 1), "pictures", translation.activate, (language,)
    )


def _valid_rows(
    records: Iterator[Record], table: Table, result: Result, after_line: int
) -> Iterator[Row]:
    """Yield the valid rows after ``after_line``, and record why the others are rejected."""
    lines, first_rows = dict[str, int](), FirstRows()
    genders = GENDER_WORDS | dict(GenderWord.objects.values_list("word", "gender"))
    for record in records:
        done_before = record.line <= after_line
        result.read += not done_before
        try:
            row = parse_row(record, table.decimal, genders)
            _check_unique(row, lines)
            disagreements: list[RowError] = []
            if table.has_variants and row.has_id:
                row, disagreements = first_rows.variant_only(row, record)
        except RowError as error:
            if not done_before:
                key = external_id(record)
                for fault in error.faults:
                    value = record.values.get(fault.column, "")
                    result.reject(record.line, key, str(fault), fault.column, value)
        else:
            if not done_before:
                for fault in (*row.warnings, *disagreements):
                    value = record.values.get(fault.column, "")
                    result.warn(row.line, row.sku, str(fault), fault.column, value)
                _warn_of_pictures(row, table.source, result)
                yield row


def _warn_of_pictures(row: Row, source: Source, result: Result) -> None:
    problems = source.assigned.problems.pop(row.external_id, [])
    missing = [a for a in row.addresses if not (source.local_names([a]) or source.should_fetch(a))]
    if missing:
        text = _("Images on the web are not downloaded: %(addresses)s")
        problems = [*problems, text % {"addresses": ", ".join(missing)}]
    for problem in problems:
        result.warn(row.line, row.sku, problem, IMAGE)


def _warn_of_unused_pictures(table: Table, result: Result) -> None:
    """Add a warning for each picture that belongs to no row, with the most similar id."""
    unused = table.source.assigned.unused
    if not unused:
        return
    text = ngettext(
        "%(count)s image belongs to no row: %(names)s",
        "%(count)s images belong to no row: %(names)s",
        len(unused),
    )
    result.warnings.append(text % {"count": intcomma(len(unused)), "names": list_names(unused)})
    for name in unused[:MAX_UNUSED]:
        nearest = nearest_id(name, table.ids)
        reason = _("This image belongs to no row.")
        if nearest:
            reason = _("This image belongs to no row; the most similar ID is %(id)s.") % {
                "id": nearest
            }
        result.warn(0, "", reason, value=name)


def _check_unique(row: Row, lines: dict[str, int]) -> None:
    column, key = ("sku", row.sku) if row.has_sku else ("id", row.external_id)
    first = lines.setdefault(key, row.line)
    if first != row.line:
        name = "SKU" if row.has_sku else "id"
        text = _("The %(name)s is already on line %(line)s; it must be unique.")
        raise RowError(text % {"name": name, "line": first}, column)


def _write(
    writer: Writer,
    prepared: list[PreparedRow],
    result: Result,
    total: int,
    after_batch: AfterBatch | None,
) -> None:
    last_line = max(row.row.line for row in prepared)

    def count(changes: Changes) -> None:
        for row in prepared:
            if row.problem:
                result.reject(row.row.line, row.row.sku, row.problem, "", "")
        for row_, error in changes.rejected:
            result.reject(row_.line, row_.sku, str(error), error.column, "")
        for row_, warning in changes.warned:
            result.warn(row_.line, row_.sku, str(warning), warning.column)
        result.sample_values += changes.sample_values or Counter()
        result.without_price += changes.without_price
        result.without_stock += changes.without_stock
        result.imported += changes.imported
        result.updated += changes.updated
        result.unchanged += changes.unchanged
        result.new_pictures += len(changes.new_images)
        if after_batch:
            after_batch(WrittenBatch(changes, last_line, result, total))

    writer.write([row for row in prepared if not row.problem], count)
