"""What the formats of other shops have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from shop.imports.errors import RowError
from shop.imports.parsing.records import Record

SIZE_OPTIONS = frozenset(
    ["size", "größe", "groesse", "grösse", "taille", "talla", "taglia", "maat", "rozmiar"]
)
COLOUR_OPTIONS = frozenset(["color", "colour", "farbe", "couleur", "colore", "kleur", "kolor"])
# What is left of an option that a product does not have.
NO_OPTION = frozenset({"", "title", "titel"})
OVERSOLD = re.compile("-[0-9]+")
# A record with all cells of its row by the names of their columns, as ``plain_name`` has them.
Cells = dict[str, str]
Regroup = Callable[[Iterator[tuple[Record, Cells]]], Iterator[Record]]


def plain_name(cell: str) -> str:
    """Return the name of a column in lower case and with spaces."""
    return cell.lower().removeprefix("g:").replace("_", " ")


@dataclass(frozen=True)
class Format:
    """Describe an export that is known by its header.

    All of ``marks`` stand in the header. ``columns`` maps its names to ours, all as
    ``plain_name`` has them; ``regroup`` makes our rows of the format's, for which it reads the
    columns ``own`` too.
    """

    name: str
    marks: frozenset[str]
    columns: Mapping[str, str]
    own: re.Pattern[str]
    regroup: Regroup

    def is_own(self, cell: str) -> bool:
        """Return whether the column is read although it stands for none of ours."""
        return self.own.fullmatch(plain_name(cell)) is not None

    def records(self, records: Iterable[Record], header: Sequence[str]) -> Iterator[Record]:
        """Return the rows as ours. An empty gender says nothing, so that a chosen one stays."""
        names = [plain_name(cell) for cell in header]
        rows = ((record, dict(zip(names, record.cells, strict=False))) for record in records)
        for record in self.regroup(rows):
            if not record.values.get("gender", "").strip():
                record.values.pop("gender", None)
            yield _without_oversold(record)


def _without_oversold(record: Record) -> Record:
    """Return the row with the stock 0 where the other shop has sold more than it had."""
    stock = record.values.get("stock", "").strip()
    if not OVERSOLD.fullmatch(stock):
        return record
    warning = RowError(_("The stock is %(stock)s: 0 is taken.") % {"stock": stock}, "stock")
    values = record.values | {"stock": "0"}
    return replace(record, values=values, warnings=(*record.warnings, warning))


def _option_values(cells: Cells, options: Mapping[str, str]) -> tuple[Cells, list[str]]:
    """Return the size and the colour of a variant, and which other options it has.

    ``options`` names each option by the column of its value.
    """
    found: Cells = {}
    others: list[str] = []
    for column, name in options.items():
        value = cells.get(column, "").strip()
        word = name.strip().casefold().removeprefix("pa_")
        if word in SIZE_OPTIONS:
            found["size"] = value
        elif word in COLOUR_OPTIONS:
            found["variantColour"] = value
        elif word not in NO_OPTION and value:
            others.append(name.strip())
    return found, others


def with_options(record: Record, cells: Cells, options: Mapping[str, str]) -> Record:
    """Fill in what an option says, unless a column that staff chose says it."""
    found, others = _option_values(cells, options)
    text = _("The option %(name)s is not kept.")
    warnings = tuple(RowError(text % {"name": name}) for name in others)
    values = {"size": "", "variantColour": "", **found, **record.values}
    return replace(record, values=values, warnings=(*record.warnings, *warnings))


def joined(cells: Iterable[str]) -> str:
    """Return the pictures that several cells name, each once."""
    return "|".join(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))
