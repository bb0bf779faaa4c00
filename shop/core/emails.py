"""Compare e-mail addresses: equal means equal but for the case of ASCII letters.

``iexact`` is ``UPPER()`` in PostgreSQL, which makes ``gmaıl`` (dotless i) ``GMAIL``; ``casefold``
and NFKC join others. Whoever owns such an address would own what its double has.
"""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase

from django.db.models.functions import Lower
from django.db.models.lookups import In

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def ascii_lower(text: str) -> str:
    """Return the text with its ASCII letters in lower case."""
    return text.translate(_LOWER)


def email_key() -> Lower:
    """Return ``ascii_lower`` of the column ``email``: the collation C knows no other letters."""
    # Django refuses its own Collate below another function in an index.
    return Lower("email", template='%(function)s(%(expressions)s COLLATE "C")')


def email_among(emails: Iterable[str]) -> In:
    """Return the condition that the column ``email`` equals one of the addresses."""
    return In(email_key(), [ascii_lower(email) for email in emails])
