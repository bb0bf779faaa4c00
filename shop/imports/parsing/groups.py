"""Distinguish the first row of a product, which describes it, from its other variants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _

from shop.imports.errors import RowError
from shop.imports.parsing.columns import DESCRIBING
from shop.imports.parsing.records import Record
from shop.imports.parsing.rows import Row


@dataclass
class FirstRows:
    """Remembers the line of the first row of each id, and its values as hashes, to save memory."""

    _seen: dict[str, tuple[int, tuple[int, ...]]] = field(default_factory=dict)

    def variant_only(self, row: Row, record: Record) -> tuple[Row, list[RowError]]:
        """Return the row, and a warning for each value that differs from the product's first row.

        A later row of a product is returned without the values that describe the product.
        """
        hashes = tuple(hash(" ".join(record.values.get(c, "").split())) for c in DESCRIBING)
        line, first = self._seen.setdefault(row.external_id, (row.line, hashes))
        if line == row.line:
            return row, []
        reduced = replace(
            row,
            described_on=line,
            provided_fields={},
            category_names=None,
            category_path="",
            brand=None,
            currency=None,
            description=None,
            listed=None,
        )
        return reduced, list(_differences(record, line, hashes, first))


def _differences(
    record: Record, line: int, hashes: tuple[int, ...], first: tuple[int, ...]
) -> Iterator[RowError]:
    text = _("%(column)s differs from line %(line)s. The value of line %(line)s is used.")
    for column, one, other in zip(DESCRIBING, first, hashes, strict=True):
        if one != other and record.values.get(column, "").strip():
            yield RowError(text % {"column": column, "line": line}, column)
