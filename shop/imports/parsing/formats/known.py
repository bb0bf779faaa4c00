"""List the known export formats of other shops, and recognise them by their header."""

from __future__ import annotations

from collections.abc import Sequence

from shop.imports.parsing.formats.base import Format, plain_name
from shop.imports.parsing.formats.google import GOOGLE
from shop.imports.parsing.formats.shopify import SHOPIFY, SHOPIFY_2025
from shop.imports.parsing.formats.woocommerce import WOOCOMMERCE

FORMATS = (SHOPIFY, SHOPIFY_2025, WOOCOMMERCE, GOOGLE)


def known_format(header: Sequence[str]) -> Format | None:
    """Return the format with this header, or ``None``."""
    names = {plain_name(cell) for cell in header}
    return next((each for each in FORMATS if each.required <= names), None)
