"""Define the template tag for best sellers."""

from __future__ import annotations

from collections.abc import Collection

from django import template

from shop.catalogue.models import Product
from shop.orders import best_sellers as chosen

register = template.Library()


@register.simple_tag
def best_sellers(limit: int, without: Collection[Product] = ()) -> list[Product]:
    """Return the best sellers that are in stock and not among ``without``."""
    return chosen.best_sellers(limit, without)
