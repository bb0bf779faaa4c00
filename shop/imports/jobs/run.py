"""The whole import: one function for the command, for a web upload and for the tests."""

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
from shop.imports.parsing.archives import listed
from shop.imports.parsing.columns import IMAGE
from shop.imports.parsing.groups import FirstRows
from shop.imports.parsing.pictures import nearest_id
from shop.imports.parsing.records import Record
from shop.imports.parsing.rows import Row, external_id, parse_row
from shop.imports.parsing.source import Source, open_source
from shop.imports.parsing.table import ReadAs, Table, read_table
from shop.imports.parsing.words import GENDER_WORDS
from shop.imports.writing.batch import Changes
from shop.imports.writing.preparation import PreparedRow, batches, prepare_ahead
from shop.imports.writing.writer import Writer

# Rows done so far, and rows in all.
Progress = Callable[[int, int], None]
MAX_THREADS = 4
# So many pictures that no row takes are listed one by one.
MAX_UNUSED = 200


@dataclass(frozen=True)
class RowMessage:
    """Say why a row was rejected, or what staff should know of one that was taken."""

    line: int
    external_id: str
    reason: str
    column: str = ""
    value: str = ""


@dataclass
class Result:
    """Every row that was read is counted in exactly one of the four numbers after it."""

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
    made_up: Counter[str] = field(default_factory=Counter)
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
        """Note why a row is not taken."""
        self.rejections.append(RowMessage(line, external_id, reason, column, value[:80]))

    def warn(self, line: int, sku: str, reason: str, column: str = "", value: str = "") -> None:
        """Note what staff should know of a row that is taken, or of a file."""
        self.row_warnings.append(RowMessage(line, sku, reason, column, value[:80]))


@dataclass(frozen=True)
class Batch:
    """What was just written; the rows up to ``last_line`` are dealt with."""

    changes: Changes
    last_line: int
    result: Result
    total: int


# Called after each batch, in its transaction unless it is a dry run; raises to stop the run.
AfterBatch = Callable[[Batch], None]


def import_catalogue(
    source: Path,
    *,
    images: Path | None = None,
    dry_run: bool = False,
    limit: int | None = None,
    progress: Progress | None = None,
    read_as: ReadAs | None = None,
    after_line: int = 0,
    after_batch: AfterBatch | None = None,
    sample_data: bool = False,
    new_categories: bool = True,
    names: Mapping[Path, str] | None = None,
    fetch_from: Collection[str] = (),
) -> Result:
    """Bring the catalogue at ``source`` into the shop; run it again and only changes are written.

    ``read_as`` is what staff chose, ``names`` what they called the files. Rows up to
    ``after_line`` are passed over: a run before this one has dealt with them. With
    ``sample_data``, new products get the names, brands, prices and stock that the file lacks;
    without ``new_categories``, rows that need one are rejected. Pictures on the web are fetched
    from the hosts ``fetch_from`` only. Raises ``ImportProblem`` before
    anything is written if the catalogue cannot be read.
    """
    with open_source(source, images, names) as opened:
        opened.hosts = frozenset(host.lower() for host in fetch_from)
        read_as = read_as or ReadAs()
        table = read_table(opened, read_as)
        result = Result(ignored_columns=table.ignored_columns, dry_run=dry_run)
        result.dialect = str(table)
        result.warnings = opened.warnings
        total = table.rows if limit is None else min(limit, table.rows)
        # Only an upload, which follows each batch, can be rolled back.
        writer = Writer(
            dry_run=dry_run,
            snapshots=after_batch is not None,
            sample_data=sample_data,
            new_categories=new_categories,
            category=read_as.category,
            gender=read_as.gender,
        )
        if not after_line:
            _warn_of_unused_pictures(table, result)
        records = islice(table.records(), total)
        rows = _good_rows(records, table, result, after_line)
        _run(opened, rows, writer, result, total, progress, after_batch)
    result.rejections.sort(key=lambda message: message.line)
    result.row_warnings.sort(key=lambda message: message.line)
    result.warnings += [*_gaps(result, table), *_new_categories(writer)]
    return result


def _gaps(result: Result, table: Table) -> Iterator[str]:
    """Say what the new products lack."""
    if result.without_price and "price" not in table.columns:
        yield ngettext(
            "There is no column price: %(count)s new product is not listed.",
            "There is no column price: %(count)s new products are not listed.",
            result.without_price,
        ) % {"count": intcomma(result.without_price)}
    if result.without_stock:
        yield ngettext(
            "The file names no stock for %(count)s new product: it is sold out.",
            "The file names no stock for %(count)s new products: they are sold out.",
            result.without_stock,
        ) % {"count": intcomma(result.without_stock)}


def _new_categories(writer: Writer) -> Iterator[str]:
    """Name the new categories, first those that an existing one resembles."""
    names = [
        _("%(new)s (similar: %(name)s)") % {"new": new, "name": nearest} if nearest else new
        for new, nearest in sorted(writer.new_categories, key=lambda pair: not pair[1])
    ]
    if names:
        yield ngettext(
            "%(count)s new category: %(names)s", "%(count)s new categories: %(names)s", len(names)
        ) % {"count": intcomma(len(names)), "names": listed(names, short=False)}


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
    """They speak the language of who starts them, which threads do not do by themselves."""
    language = translation.get_language()
    return ThreadPoolExecutor(
        min(MAX_THREADS, os.cpu_count() or 1), "pictures", translation.activate, (language,)
    )


def _good_rows(
    records: Iterator[Record], table: Table, result: Result, after_line: int
) -> Iterator[Row]:
    lines, firsts = dict[str, int](), FirstRows()
    genders = GENDER_WORDS | dict(GenderWord.objects.values_list("word", "gender"))
    for record in records:
        done_before = record.line <= after_line
        result.read += not done_before
        try:
            row = parse_row(record, table.decimal, genders)
            _check_unique(row, lines)
            disagreements: list[RowError] = []
            if table.has_variants and row.has_id:
                row, disagreements = firsts.reduce(row, record)
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
    missing = [a for a in row.addresses if not (source.here([a]) or source.fetches(a))]
    if missing:
        text = _("Pictures on the web are not fetched: %(addresses)s")
        problems = [*problems, text % {"addresses": ", ".join(missing)}]
    for problem in problems:
        result.warn(row.line, row.sku, problem, IMAGE)


def _warn_of_unused_pictures(table: Table, result: Result) -> None:
    """List the pictures that no row takes, each with the nearest id."""
    unused = table.source.assigned.unused
    if not unused:
        return
    text = ngettext(
        "%(count)s picture belongs to no row: %(names)s",
        "%(count)s pictures belong to no row: %(names)s",
        len(unused),
    )
    result.warnings.append(text % {"count": intcomma(len(unused)), "names": listed(unused)})
    for name in unused[:MAX_UNUSED]:
        nearest = nearest_id(name, table.ids)
        reason = _("No row takes this picture.")
        if nearest:
            reason = _("No row takes this picture; the nearest id is %(id)s.") % {"id": nearest}
        result.warn(0, "", reason, value=name)


def _check_unique(row: Row, lines: dict[str, int]) -> None:
    column, key = ("sku", row.sku) if row.has_sku else ("id", row.external_id)
    first = lines.setdefault(key, row.line)
    if first != row.line:
        name = "SKU" if row.has_sku else "id"
        text = _("The %(name)s is already on line %(line)s. It must be there once.")
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
        result.made_up += changes.made_up or Counter()
        result.without_price += changes.without_price
        result.without_stock += changes.without_stock
        result.imported += changes.imported
        result.updated += changes.updated
        result.unchanged += changes.unchanged
        result.new_pictures += len(changes.new_images)
        if after_batch:
            after_batch(Batch(changes, last_line, result, total))

    writer.write([row for row in prepared if not row.problem], count)
