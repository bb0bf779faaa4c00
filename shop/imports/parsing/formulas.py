"""Escape exported cells, so that spreadsheets do not execute them as formulas."""

from __future__ import annotations

import re

# A spreadsheet executes cells that begin with these characters.
DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
ESCAPED = re.compile(r"'+[=+\-@\t\r]")


def unescape_formula(text: str) -> str:
    """Remove the apostrophe that ``escape_formula`` adds."""
    return text[1:] if text[:1] == "'" and ESCAPED.match(text) else text


def escape_formula(text: str) -> str:
    """Prefix the text with an apostrophe if a spreadsheet would execute it."""
    return f"'{text}" if DANGEROUS.match(text) else text
