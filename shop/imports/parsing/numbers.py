"""Read amounts in the notation of their file: 1,234.56 or 1.234,56."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _

from shop.imports.errors import ImportProblem

# The decimal mark, and how an amount looks with it.
NOTATIONS = {".": "1,234.56", ",": "1.234,56"}
MARKS = tuple(NOTATIONS)
# Spaces and apostrophes group digits, a sign or code names the currency, ",-" stands for ",00".
CURRENCY = r"(?:[A-Z]{3}|kr\.?|zł|Kč|Ft|Rs\.?|Fr\.?)"
CODES = re.compile(rf"^{CURRENCY}(?=[\s\d])|(?<=[\s\d,.–—-]){CURRENCY}$", re.IGNORECASE)
GROUPING = re.compile(r"[\s'’]")
NO_CENTS = re.compile(r"[.,][-–—]+$")
SIGNS = re.compile(r"^[\s€$£¥₹₽₩₺₴₫฿₪₱₦]+|[\s€$£¥₹₽₩₺₴₫฿₪₱₦]+$")
PATTERNS = {
    mark: re.compile(
        rf"(?P<whole>[0-9]+|[1-9][0-9]{{0,2}}(\{group}[0-9]{{3}})+)(\{mark}(?P<part>[0-9]+))?"
    )
    for mark, group in ((".", ","), (",", "."))
}


class Number(str):
    """The text of a cell that was a number, so that no notation is in question."""

    __slots__ = ()


def bare(text: str) -> str:
    """Return the amount without currency and grouping by spaces or apostrophes."""
    text = CODES.sub("", SIGNS.sub("", text.strip()))
    return NO_CENTS.sub("", GROUPING.sub("", SIGNS.sub("", text)))


def read_number(text: str, mark: str) -> Decimal | None:
    """Return the amount, or ``None`` if it is none in the notation of this decimal mark."""
    if isinstance(text, Number):
        mark = "."
    found = PATTERNS[mark].fullmatch(bare(text))
    if found is None:
        return None
    whole = re.sub("[.,]", "", found["whole"])
    return Decimal(f"{whole}.{found['part'] or 0}")


@dataclass
class NotationSurvey:
    """Find out which decimal mark a file uses.

    ``only`` holds, by mark, the first line and value that no other mark explains; ``unclear`` the
    first that each mark reads as another number. Prices decide, stock only where they do not.
    """

    only: dict[str, tuple[int, str]] = field(default_factory=dict)
    only_stock: dict[str, tuple[int, str]] = field(default_factory=dict)
    unclear: tuple[int, str] | None = None

    def add(self, line: int, text: str, *, is_price: bool) -> None:
        if text.isdecimal() or isinstance(text, Number):
            return
        numbers = {mark: read_number(text, mark) for mark in MARKS}
        able = [mark for mark in MARKS if numbers[mark] is not None]
        if len(able) == 1:
            (self.only if is_price else self.only_stock).setdefault(able[0], (line, text))
        elif able and numbers["."] != numbers[","]:
            self.unclear = self.unclear or (line, text)

    def decide(self) -> str:
        """Return the decimal mark. Raises ``ImportProblem`` where a person has to say."""
        if len(self.only) == 2:
            (one, first), (other, second) = self.only["."], self.only[","]
            text = _(
                "Line %(one)s has the amount %(first)s, line %(other)s has %(second)s. "
                "Choose how the file writes decimals."
            )
            values = {"one": one, "first": first, "other": other, "second": second}
            raise ImportProblem(text % values)
        found = self.only or self.only_stock
        if len(found) == 1:
            return next(iter(found))
        if self.unclear:
            line, value = self.unclear
            text = _(
                "The amount %(value)s on line %(line)s may be %(one)s or %(other)s. "
                "Choose how the file writes decimals."
            )
            numbers = {"one": read_number(value, "."), "other": read_number(value, ",")}
            raise ImportProblem(text % {"value": value, "line": line, **numbers})
        return "."
