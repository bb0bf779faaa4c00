"""The whole import: one function for the command, for a web upload and for the tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from shop.imports.errors import RowError
from shop.imports.preparation import PreparedRow, batches, prepare_ahead
from shop.imports.rows import Row, external_id, parse_row
from shop.imports.source import Source, open_source
from shop.imports.table import Record, Table, read_table
from shop.imports.writer import Writer

# Rows done so far, and rows in all.
Progress = Callable[[int, int], None]
MAX_THREADS = 4


@dataclass(frozen=True)
class Rejection:
    line: int
    external_id: str
    reason: str


@dataclass
class Result:
    """Every row that was read is counted in exactly one of the four numbers after it."""

    read: int = 0
    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    new_pictures: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    dry_run: bool = False

    @property
    def rejected(self) -> int:
        return len(self.rejections)

    @property
    def done(self) -> int:
        return self.imported + self.updated + self.unchanged + self.rejected

    def reject(self, line: int, external_id: str, reason: str) -> None:
        self.rejections.append(Rejection(line, external_id, reason))


def import_catalogue(
    source: Path,
    *,
    images: Path | None = None,
    dry_run: bool = False,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Bring the catalogue at ``source`` into the shop; run it again and only changes are written.

    Raises ``ImportProblem`` before anything is written if the catalogue cannot be read.
    """
    with open_source(source, images) as opened:
        table = read_table(opened)
        result = Result(ignored_columns=table.ignored_columns, dry_run=dry_run)
        _run(opened, table, result, limit, progress)
    result.rejections.sort(key=lambda rejection: rejection.line)
    return result


def _run(
    source: Source, table: Table, result: Result, limit: int | None, progress: Progress | None
) -> None:
    total = table.rows if limit is None else min(limit, table.rows)
    writer = Writer(rehearsal=result.dry_run)
    rows = _good_rows(islice(table.records(), total), result)
    pool = ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1), "pictures")
    try:
        for prepared in prepare_ahead(batches(rows, source), source, pool):
            _write(writer, prepared, result)
            if progress:
                progress(result.done, total)
    finally:
        pool.shutdown(cancel_futures=True)
    writer.finish()
    if progress:
        progress(result.done, total)


def _good_rows(records: Iterator[Record], result: Result) -> Iterator[Row]:
    lines: dict[str, int] = {}
    for record in records:
        result.read += 1
        try:
            row = parse_row(record)
            first = lines.setdefault(row.external_id, row.line)
            if first != row.line:
                raise RowError(f"The id is already on line {first}. Ids must be unique.")
        except RowError as error:
            result.reject(record.line, external_id(record), str(error))
        else:
            yield row


def _write(writer: Writer, prepared: list[PreparedRow], result: Result) -> None:
    for row in prepared:
        if row.problem:
            result.reject(row.row.line, row.row.external_id, row.problem)
    changes = writer.write([row for row in prepared if not row.problem])
    result.imported += len(changes.new)
    result.updated += changes.updated
    result.unchanged += changes.unchanged
    result.new_pictures += len(changes.new_images)
