"""How much of a product there can be."""

from __future__ import annotations

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

# Of all variants together: twice as much is still an integer of the database.
MAX_STOCK = 1_000_000_000


def stock_limit_error(stock: int) -> str:
    """Why a product cannot have that much; empty if it can."""
    if stock <= MAX_STOCK:
        return ""
    text = _("The stock of all variants together is over %(limit)s.")
    return text % {"limit": intcomma(MAX_STOCK)}
