"""Limit the stock of a product."""

from __future__ import annotations

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

# Sum over all variants, so that even twice as much fits into a database integer.
MAX_STOCK = 1_000_000_000


def stock_limit_error(stock: int) -> str:
    """Return an error if a product cannot have this total stock, or an empty string."""
    if stock <= MAX_STOCK:
        return ""
    text = _("The total stock of all variants must not exceed %(limit)s.")
    return text % {"limit": intcomma(MAX_STOCK)}
