"""Cache the ids of the products that the searches for a product page found.

The products themselves are not cached: the page loads them, and leaves out those that have been
sold out or unlisted since.
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

CACHE_SECONDS = 600
VERSION_KEY = "related-version"


@dataclass(frozen=True)
class RelatedProducts:
    """Holds ``similar``, nearest first, and ``complements`` by their role in an outfit."""

    similar: list[int]
    complements: dict[str, list[Complement]]


def related(product: Product) -> RelatedProducts:
    """Return the products to show beside this one, from the cache or by searching.

    Results are not cached within a transaction or with a replica, which may lag, nor if there are
    fewer than ``ROW_SIZE`` similar products, because others may still be embedded.
    """
    if configured() or connection.in_atomic_block:
        return _search(product)
    # The version is read before the search, so that a change during the search invalidates its
    # result.
    key = f"related:{product.pk}:{cache.get(VERSION_KEY, '')}"
    found: RelatedProducts | None = cache.get(key)
    if found is None:
        found = _search(product)
        if len(found.similar) == ROW_SIZE:
            cache.set(key, found, CACHE_SECONDS)
    return found


def _search(product: Product) -> RelatedProducts:
    similar = similar_ids(product)
    return RelatedProducts(similar, complements([product], without=similar))


def invalidate(**kwargs: object) -> None:
    """Invalidate the cache of all products when the current transaction commits."""
    transaction.on_commit(lambda: cache.set(VERSION_KEY, token_hex(8), None))
