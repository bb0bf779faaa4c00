"""Represent the rows of a table, with their values by field."""

from __future__ import annotations

from dataclasses import dataclass

from shop.imports.errors import RowError


@dataclass(frozen=True)
class Record:
    """Holds a row: all its cells, and the ``values`` of the columns that are not ignored.

    ``problem`` tells why the row must be rejected, and ``warnings`` what was ignored or changed.
    """

    line: int
    cells: list[str]
    values: dict[str, str]
    problem: str = ""
    warnings: tuple[RowError, ...] = ()


def product_key(values: dict[str, str]) -> str:
    """Return the id of the product of a row or, without an id, the SKU."""
    return (values.get("id") or "").strip() or (values.get("sku") or "").strip()


def valid_values(record: Record) -> dict[str, str]:
    """Return the values of a record. Raises ``RowError`` if the record has a problem."""
    if record.problem:
        raise RowError(record.problem)
    return record.values
