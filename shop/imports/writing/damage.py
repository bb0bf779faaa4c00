"""Recognise values that a spreadsheet altered by itself when it opened and saved a CSV file."""

from __future__ import annotations

import re
from decimal import Decimal

from shop.catalogue.models import Product, Variant
from shop.imports.parsing.numbers import DECIMAL_MARKS, read_number
from shop.imports.parsing.words import DATE, MONTH_NUMBERS

PADDED = "^0+[0-9]+$"
NUMBER = re.compile(r"[0-9]+([.,][0-9]+)*")
ZEROS = re.compile("^0+(?=[0-9])")
WORD = re.compile(r"[0-9]+|[a-zä]+", re.IGNORECASE)
# The most digits of a number in a date: those of its year.
MAX_DIGITS = 4
PARTS_OF_DATE = re.compile(rf"[0-9]{{1,{MAX_DIGITS}}}([-/. ][0-9]{{1,{MAX_DIGITS}}}){{1,2}}\.?")


def padded_keys() -> dict[str, str]:
    """Map texts such as "8" to the ids and SKUs that have zeros before them, such as "008"."""
    keys = {"external_id": Product.objects, "sku": Variant.objects}
    found: dict[str, str] = {}
    for name, rows in keys.items():
        # The database can use an index for the prefix, and few ids begin with 0.
        padded = rows.filter(**{f"{name}__startswith": "0", f"{name}__regex": PADDED})
        values = padded.values_list(name, flat=True)
        found |= {key.lstrip("0") or "0": key for key in values.iterator() if key}
    return found


def is_damaged(before: str, after: str) -> bool:
    """Return whether a spreadsheet may have turned the text ``before`` into ``after``.

    08 and 38.5 become the numbers 8 and 38,5; 3-4 becomes a date; letters that are missing in the
    encoding become question marks.
    """
    if not before or not after or before == after:
        return False
    return (
        _is_same_number(before, after)
        or _is_date_of(before, after)
        or _has_lost_letters(before, after)
    )


def _is_same_number(before: str, after: str) -> bool:
    return bool(_numbers(before) & _numbers(after))


def _numbers(text: str) -> set[Decimal]:
    """Return the numbers that the text may stand for, with either decimal mark."""
    if not NUMBER.fullmatch(text):
        return set()
    readings = (read_number(ZEROS.sub("", text), mark) for mark in DECIMAL_MARKS)
    return {number for number in readings if number is not None}


def _is_date_of(before: str, after: str) -> bool:
    """Return whether ``after`` is a date with the numbers of which ``before`` consists."""
    if not DATE.fullmatch(after) or not PARTS_OF_DATE.fullmatch(before):
        return False
    numbers = {int(word) for word in re.findall("[0-9]+", before)}
    words = WORD.findall(after)
    parts = {MONTH_NUMBERS.get(word[:3].lower()) or _whole(word) for word in words}
    return numbers <= parts | {part % 100 for part in parts}


def _whole(word: str) -> int:
    return int(word) if word.isdecimal() and len(word) <= MAX_DIGITS else 0


def _has_lost_letters(before: str, after: str) -> bool:
    if "?" not in after or before.isascii():
        return False
    # Programs that count in UTF-16 write two question marks for a letter above U+FFFF.
    doubled = "".join(letter * 2 if letter > "\uffff" else letter for letter in before)
    return any(
        len(text) == len(after)
        and all(
            new == old or (new == "?" and not old.isascii())
            for old, new in zip(text, after, strict=True)
        )
        for text in (before, doubled)
    )
