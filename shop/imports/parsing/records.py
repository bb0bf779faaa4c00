"""A row of a table by the fields that its columns stand for."""

from __future__ import annotations

from dataclasses import dataclass

from shop.imports.errors import RowError


@dataclass(frozen=True)
class Record:
    """Holds a row: all its cells, and the ``values`` of the columns that are not ignored.

    ``problem`` says why the cells could not be separated, ``warnings`` what was discarded.
    """

    line: int
    cells: list[str]
    values: dict[str, str]
    problem: str = ""
    warnings: tuple[RowError, ...] = ()


def product_key(values: dict[str, str]) -> str:
    """Return the id of the row's product, or its SKU if it has none."""
    return (values.get("id") or "").strip() or (values.get("sku") or "").strip()


def valid_values(record: Record) -> dict[str, str]:
    """Return the values. Raises ``RowError`` if the record has a problem."""
    if record.problem:
        raise RowError(record.problem)
    return record.values
