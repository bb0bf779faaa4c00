"""Keep spreadsheets from running what a cell of ours holds."""

from __future__ import annotations

import re

# A spreadsheet takes a cell that begins like this for a formula.
DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
GUARDED = re.compile(r"'+[=+\-@\t\r]")


def unescape_formula(text: str) -> str:
    """Return the text without the mark of ``escape_formula``."""
    return text[1:] if text[:1] == "'" and GUARDED.match(text) else text


def escape_formula(text: str) -> str:
    """Return the text with a mark where a spreadsheet would run it."""
    return f"'{text}" if DANGEROUS.match(text) else text
