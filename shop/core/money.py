"""Format amounts of money."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency
from django.utils.translation import get_language, to_locale


def money(amount: Decimal | None, currency: str) -> str:
    """Format an amount for the current language: ``€1,234.50`` or ``1.234,50 €``."""
    if amount is None:
        return "–"
    return _format(amount, currency, get_language() or "en")


@lru_cache(maxsize=4096)
def _format(amount: Decimal, currency: str, language: str) -> str:
    return format_currency(amount, currency, locale=to_locale(language))
