"""Validate values from outside."""

from __future__ import annotations


def is_id(text: str) -> bool:
    """Return whether the text can be a primary key: digits that fit into 64 bits."""
    return text.isascii() and text.isdecimal() and len(text) < 19
