"""Validate user input."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# Matches text that e-mail programs turn into links, but not "Dr.Meier" or "c/o". Before a dot,
# ``\w{3}`` finds the same as ``\w{3,}``, which would take quadratic time for a long word.
_LINK = re.compile(r"//|www\.|https?:|\w\.\w+/|\w{3}\.[a-z]{2}", re.IGNORECASE)


def refuse_links(text: str) -> None:
    """Raise ``ValidationError`` for a name with a link.

    Spammers would otherwise send links to others through the shop's e-mails.
    """
    if _LINK.search(text):
        raise ValidationError(_("Enter a name without a web address."))


def is_id(text: str) -> bool:
    """Return whether the text can be a primary key: digits that fit into 64 bits."""
    return text.isascii() and text.isdecimal() and len(text) < 19
