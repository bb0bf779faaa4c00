"""What the searches behind a product's page found, remembered by ids.

Who shows it checks that all of it is listed and in stock, and searches anew if not. What else could
change it (vectors, an import, a merge, a product, picture or model that is saved) calls ``forget``:
then nothing remembered holds. What comes back into stock may have to wait for ``SECONDS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex

from django.core.cache import cache
from django.db import connection

from recommender.look import complements
from recommender.nearest.five import FIVE, similar_ids
from recommender.nearest.several import Complement
from recommender.replica import configured
from shop.catalogue.models import Product

SECONDS = 600
# As many again for the block below the similar items, from the same search.
SIMILAR = 2 * FIVE
EPOCH = "around-epoch"


@dataclass(frozen=True)
class Around:
    """``similar``: nearest first; ``complements``: by role, none of the first five among them."""

    similar: list[int]
    complements: dict[str, list[Complement]]
    remembered: bool = False


def around(product: Product, *, anew: bool = False) -> Around:
    """Remembered, or searched for. With Redis away it is always searched for."""
    epoch = None
    if _may_remember():
        known = cache.get_many([EPOCH, _key(product)])
        epoch, kept = known.get(EPOCH, ""), known.get(_key(product))
        if kept is not None and kept[0] == epoch and not anew:
            return Around(kept[1], kept[2], remembered=True)
    return _search(product, epoch)


def _search(product: Product, epoch: str | None) -> Around:
    """What is found is remembered if ``epoch``, which was read before the search, is known.

    Fewer than there could be are not: some may not have a vector yet.
    """
    similar = similar_ids(product, count=SIMILAR)
    by_role = complements([product], without=similar[:FIVE])
    if epoch is not None and len(similar) == SIMILAR:
        cache.set(_key(product), (epoch, similar, by_role), SECONDS)
    return Around(similar, by_role)


def forget() -> None:
    """To be called when a change is committed, not before: a search would remember what was."""
    cache.set(EPOCH, token_hex(8), None)


def _may_remember() -> bool:
    """Not what a replica says, which may be from a moment ago, nor what is not committed yet."""
    return not configured() and not connection.in_atomic_block


def _key(product: Product) -> str:
    return f"around-{product.pk}"
