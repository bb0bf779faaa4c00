"""Compare HTML regardless of line breaks in templates."""

from __future__ import annotations

import re


def one_line(html: str) -> str:
    """Collapse the whitespace of a page, and drop it between tags and before the end of a tag."""
    return re.sub(r"(?<=>) (?=<)| (?=>)", "", re.sub(r"[ \t\n]+", " ", html)).strip()


def links(html: str) -> list[str]:
    """Return the URLs of all links, in document order."""
    return re.findall(r'<a\b[^>]*?\bhref="([^"]*)"', html)
