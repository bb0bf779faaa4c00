"""Define the limit for the stock of a product."""

from __future__ import annotations

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

# The limit for the sum of all variants. Even twice as much fits into a database integer.
MAX_STOCK = 1_000_000_000


def stock_limit_error(stock: int) -> str:
    """Return an error message if this total stock of a product is too high, or an empty string."""
    if stock <= MAX_STOCK:
        return ""
    text = _("The total stock of all variants must not exceed %(limit)s.")
    return text % {"limit": intcomma(MAX_STOCK)}
