"""Compare e-mail addresses, ignoring the case of ASCII letters only.

Other comparisons would give the owner of one address access to another's account: ``iexact`` is
``UPPER()`` in PostgreSQL, which turns ``gmaıl`` (dotless i) into ``GMAIL``, and ``casefold`` and
NFKC also equate different letters.
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
    """Return the SQL equivalent of ``ascii_lower`` for the column ``email``, by the collation C."""
    # A template adds the collation, because Django does not allow Collate within a function in an
    # index.
    return Lower("email", template='%(function)s(%(expressions)s COLLATE "C")')


def email_among(emails: Iterable[str]) -> In:
    """Return a condition that the column ``email`` is one of these addresses."""
    return In(email_key(), [ascii_lower(email) for email in emails])
