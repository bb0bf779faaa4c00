"""One row of a table by what its columns stand for."""

from __future__ import annotations

from dataclasses import dataclass

from shop.imports.errors import RowError


@dataclass(frozen=True)
class Record:
    """One row: all its cells, and the ``values`` of the columns that are read.

    ``problem`` says why its values could not be told apart, ``warnings`` what of it is not kept.
    """

    line: int
    cells: list[str]
    values: dict[str, str]
    problem: str = ""
    warnings: tuple[RowError, ...] = ()


def product_key(values: dict[str, str]) -> str:
    """Return the id of the row's product, or its SKU if it has none."""
    return (values.get("id") or "").strip() or (values.get("sku") or "").strip()


def checked(record: Record) -> dict[str, str]:
    """Return the values of a whole record. Raises ``RowError``."""
    if record.problem:
        raise RowError(record.problem)
    return record.values
