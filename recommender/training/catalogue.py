"""Read the products to train on from the shop or from a catalogue file."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from recommender.training.options import TrainingError
from shop.catalogue.models import ProductImage
from shop.imports.errors import ImportProblem, RowError
from shop.imports.parsing.columns import IMAGE
from shop.imports.parsing.rows import Row, parse_row
from shop.imports.parsing.source import Source, open_source
from shop.imports.parsing.table import read_table

logger = logging.getLogger(__name__)
LABELS = ("category", "base_colour", "gender", "usage")


@dataclass(frozen=True)
class Entry:
    """Holds a product with a picture; ``labels`` are in the order of ``LABELS``, empty if unknown.

    ``id`` is the external id, or the slug of a product without one. ``parent`` is the name of the
    category's parent, empty if there is none.
    """

    id: str
    labels: tuple[str, ...]
    read: Callable[[], bytes]
    parent: str = ""
    name: str = ""


@contextmanager
def open_entries(path: Path | None) -> Iterator[list[Entry]]:
    """Yield the products of the catalogue, or the shop's without ``path``.

    Raises ``TrainingError``.
    """
    if path is None:
        yield _entries_of_shop()
        return
    try:
        with open_source(path) as source:
            yield list(_entries_of_file(source))
    except ImportProblem as problem:
        raise TrainingError(str(problem)) from problem


def _entries_of_shop() -> list[Entry]:
    """Return the listed products of the shop, each with its first picture."""
    images = ProductImage.objects.filter(product__listed=True).select_related("product__category")
    firsts = images.order_by("product_id", "position", "pk").distinct("product_id")
    columns = ("pk", "file", "product__external_id", "product__slug", "product__name")
    tree = ("product__category__parent__name", "product__category__name")
    attributes = ("product__base_colour", "product__gender", "product__usage")
    rows = firsts.values_list(*columns, *tree, *attributes)
    return [
        Entry(
            number or slug, tuple(labels), ProductImage(pk=pk, file=file).read, parent or "", name
        )
        for pk, file, number, slug, name, parent, *labels in rows
    ]


def _entries_of_file(source: Source) -> Iterator[Entry]:
    """Yield the products that the import would accept, each with its first variant.

    Words for genders that staff added are unknown, because training needs no database. The log says
    which rows are skipped.
    """
    table, skipped, seen = read_table(source), _SkippedRows(), set[str]()
    for record in table.records():
        try:
            row = parse_row(record, table.decimal)
        except RowError as error:
            skipped.add(record.line, error)
            continue
        if row.external_id in seen:
            continue
        seen.add(row.external_id)
        pictures = source.pictures_of(row.external_id)
        if not pictures:
            skipped.add(record.line, RowError(f"There is no picture of {row.external_id}.", IMAGE))
            continue
        read = partial(source.read_picture_file, pictures[0])
        parent, category = _parent_and_category(row)
        attributes = (row.provided_fields.get(name, "") for name in LABELS[1:])
        yield Entry(row.external_id, (category, *attributes), read, parent, row.name)
    if skipped.rows:
        logger.warning("%s of %s rows are skipped. %s", skipped.rows, table.rows, skipped)


@dataclass
class _SkippedRows:
    """Counts the rows of a file that training cannot use, by the column at fault, with examples."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, line: int, error: RowError) -> None:
        self.rows += 1
        for fault in error.faults:
            self.counts[fault.column] += 1
            self.examples.setdefault(fault.column, f"line {line}: {fault}")

    def __str__(self) -> str:
        columns = self.counts.most_common()
        return " ".join(f"{count} such as {self.examples[column]}" for column, count in columns)


def _parent_and_category(row: Row) -> tuple[str, str]:
    """Return the names of the category's parent and of the category."""
    names = row.category_names or row.category_path.split("/")
    return ("", *names)[-2], names[-1]
