"""Ids in what somebody sent."""

from __future__ import annotations


def is_id(text: str) -> bool:
    """Whether it can be a row's: digits that fit into the database's 64 bits."""
    return text.isascii() and text.isdecimal() and len(text) < 19
