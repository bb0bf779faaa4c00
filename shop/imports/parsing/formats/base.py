"""Define what the export formats of other shops have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from shop.catalogue.models import Product
from shop.imports.errors import RowError
from shop.imports.parsing.records import Record

SIZE_OPTIONS = frozenset(
    ["size", "größe", "groesse", "grösse", "taille", "talla", "taglia", "maat", "rozmiar"]
)
COLOUR_OPTIONS = frozenset(["color", "colour", "farbe", "couleur", "colore", "kleur", "kolor"])
# Option names of products that have no options.
NO_OPTION = frozenset({"", "title", "titel"})
CHILDREN = frozenset({"newborn", "infant", "toddler", "kids"})
GENDERS_OF_CHILDREN = {"male": Product.Gender.BOYS.value, "female": Product.Gender.GIRLS.value}
OVERSOLD = re.compile("-[0-9]+")
# All cells of a row, by the ``plain_name`` of their columns.
Cells = dict[str, str]
Regroup = Callable[[Iterator[tuple[Record, Cells]]], Iterator[Record]]


def plain_name(cell: str) -> str:
    """Return the name of a column in lower case, with spaces for underscores and without "g:"."""
    return cell.lower().removeprefix("g:").replace("_", " ")


@dataclass(frozen=True)
class Format:
    """Describes the export format of another shop.

    A file has this format if its header has all ``required`` columns. ``columns`` maps the columns
    of the format to ours. ``regroup`` converts the rows; it also reads the columns that match
    ``extra``. Column names are compared by ``plain_name``.
    """

    name: str
    required: frozenset[str]
    columns: Mapping[str, str]
    extra: re.Pattern[str]
    regroup: Regroup

    def is_extra(self, cell: str) -> bool:
        """Return whether ``regroup`` reads this column of the file.

        Such a column may correspond to no column of ours.
        """
        return self.extra.fullmatch(plain_name(cell)) is not None

    def records(self, records: Iterable[Record], header: Sequence[str]) -> Iterator[Record]:
        """Convert the rows of the file to records with our columns.

        Empty genders are removed, so that the gender that staff chose applies.
        """
        names = [plain_name(cell) for cell in header]
        rows = ((record, dict(zip(names, record.cells, strict=False))) for record in records)
        for record in self.regroup(rows):
            if not record.values.get("gender", "").strip():
                record.values.pop("gender", None)
            yield _without_oversold(record)


def _without_oversold(record: Record) -> Record:
    """Replace a negative stock by 0, and warn of it.

    The stock is negative if the other shop has sold more than it had.
    """
    stock = record.values.get("stock", "").strip()
    if not OVERSOLD.fullmatch(stock):
        return record
    warning = RowError(
        _("The stock is %(stock)s; it is imported as 0.") % {"stock": stock}, "stock"
    )
    values = record.values | {"stock": "0"}
    return replace(record, values=values, warnings=(*record.warnings, warning))


def _option_values(cells: Cells, options: Mapping[str, str]) -> tuple[Cells, list[str]]:
    """Return the size and colour of a variant, and the names of its other options.

    ``options`` maps the column of each value to the name of the option.
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
    """Set size and colour from the options; columns for size and colour take precedence."""
    found, others = _option_values(cells, options)
    text = _("The option %(name)s is ignored.")
    warnings = tuple(RowError(text % {"name": name}) for name in others)
    values = {"size": "", "variantColour": "", **found, **record.values}
    return replace(record, values=values, warnings=(*record.warnings, *warnings))


def gender_by_age(gender: str, age_group: str) -> str:
    """Return our gender for a gender and age group of Google.

    For the age groups of children, ``male`` means boys and ``female`` girls.
    """
    if age_group.strip().lower() not in CHILDREN:
        return gender
    return GENDERS_OF_CHILDREN.get(gender.strip().lower(), gender)


def join_pictures(cells: Iterable[str]) -> str:
    """Join the picture names in several cells, without duplicates."""
    return "|".join(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))
