"""Cache which products the searches for a product page found, by their ids.

The page reads their cards anew, and leaves out what is sold out or not listed by now.
"""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex

from django.core.cache import cache
from django.db import connection, transaction

from recommender.recommendations.outfits import complements
from recommender.search.complements import Complement
from recommender.search.replica import configured
from recommender.search.similar import ROW_SIZE, similar_ids
from shop.catalogue.models import Product

SECONDS = 600
VERSION = "related-version"


@dataclass(frozen=True)
class RelatedProducts:
    """Holds ``similar``, nearest first, and ``complements`` by their role in an outfit."""

    similar: list[int]
    complements: dict[str, list[Complement]]


def related(product: Product) -> RelatedProducts:
    """Return the products to show beside this one, from the cache or by searching.

    Uncommitted changes and a replica that lags are not cached, nor fewer similar products than
    asked for, because the others may not have an embedding yet.
    """
    if configured() or connection.in_atomic_block:
        return _search(product)
    # Read before the search, so that a change meanwhile makes the result an old version's.
    key = f"related:{product.pk}:{cache.get(VERSION, '')}"
    found: RelatedProducts | None = cache.get(key)
    if found is None:
        found = _search(product)
        if len(found.similar) == ROW_SIZE:
            cache.set(key, found, SECONDS)
    return found


def _search(product: Product) -> RelatedProducts:
    similar = similar_ids(product)
    return RelatedProducts(similar, complements([product], without=similar))


def invalidate(**kwargs: object) -> None:
    """Drop what is cached for all products, once the current transaction commits."""
    transaction.on_commit(lambda: cache.set(VERSION, token_hex(8), None))
