"""Parse amounts written with a decimal point or a decimal comma: 1,234.56 or 1.234,56."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _

from shop.imports.errors import ImportProblem

# An example of an amount for each decimal mark.
NOTATIONS = {".": "1,234.56", ",": "1.234,56"}
DECIMAL_MARKS = tuple(NOTATIONS)
# Besides digits, amounts may have spaces or apostrophes between groups of digits, a sign or code of
# the currency, and ",-" for ",00".
CURRENCY = r"(?:[A-Z]{3}|kr\.?|zł|Kč|Ft|Rs\.?|Fr\.?)"
CODES = re.compile(rf"^{CURRENCY}(?=[\s\d])|(?<=[\s\d,.–—-]){CURRENCY}$", re.IGNORECASE)
GROUPING = re.compile(r"[\s'’]")
NO_CENTS = re.compile(r"[.,][-–—]+$")
SIGNS = " €$£¥₹₽₩₺₴₫฿₪₱₦"
PATTERNS = {
    mark: re.compile(
        rf"(?P<whole>[0-9]+|[1-9][0-9]{{0,2}}(\{group}[0-9]{{3}})+)(\{mark}(?P<part>[0-9]+))?"
    )
    for mark, group in ((".", ","), (",", "."))
}


class Number(str):
    """Represents a cell that was stored as a number, so its decimal mark is always a point."""

    __slots__ = ()


def _strip_currency(text: str) -> str:
    """Return the amount without currency, spaces and apostrophes."""
    text = CODES.sub("", " ".join(text.split()).strip(SIGNS))
    return NO_CENTS.sub("", GROUPING.sub("", text.strip(SIGNS)))


def read_number(text: str, mark: str) -> Decimal | None:
    """Return the amount, or ``None`` if the text is not an amount with this decimal mark."""
    if isinstance(text, Number):
        mark = "."
    found = PATTERNS[mark].fullmatch(_strip_currency(text))
    if found is None:
        return None
    whole = re.sub("[.,]", "", found["whole"])
    part = found["part"]
    return Decimal(f"{whole}.{part}" if part else whole)


@dataclass
class NotationDetector:
    """Detects which decimal mark a file uses.

    ``prices`` holds, for each mark, the line and text of the first price that is valid only with
    this mark. ``stocks`` holds the same for stock, and is used if no price decides.
    ``ambiguous`` is the first amount that is a different number with each mark.
    """

    prices: dict[str, tuple[int, str]] = field(default_factory=dict)
    stocks: dict[str, tuple[int, str]] = field(default_factory=dict)
    ambiguous: tuple[int, str] | None = None

    def add(self, line: int, text: str, *, is_price: bool) -> None:
        """Take an amount of the file into account."""
        if text.isdecimal() or isinstance(text, Number):
            return
        numbers = {mark: read_number(text, mark) for mark in DECIMAL_MARKS}
        marks = [mark for mark in DECIMAL_MARKS if numbers[mark] is not None]
        if len(marks) == 1:
            (self.prices if is_price else self.stocks).setdefault(marks[0], (line, text))
        elif marks and numbers["."] != numbers[","]:
            self.ambiguous = self.ambiguous or (line, text)

    def decide(self) -> str:
        """Return the decimal mark. Raises ``ImportProblem`` if staff must choose it."""
        if len(self.prices) == 2:
            (one, first), (other, second) = self.prices["."], self.prices[","]
            text = _(
                "Line %(one)s has the amount %(first)s, line %(other)s has %(second)s. Choose how "
                "your file writes amounts under “Decimal separator”."
            )
            values = {"one": one, "first": first, "other": other, "second": second}
            raise ImportProblem(text % values)
        found = self.prices or self.stocks
        if len(found) == 1:
            return next(iter(found))
        if self.ambiguous:
            line, value = self.ambiguous
            text = _(
                "Line %(line)s: %(value)s could mean %(one)s or %(other)s. Choose how your file "
                "writes amounts under “Decimal separator”."
            )
            numbers = {"one": read_number(value, "."), "other": read_number(value, ",")}
            raise ImportProblem(text % {"value": value, "line": line, **numbers})
        return "."
