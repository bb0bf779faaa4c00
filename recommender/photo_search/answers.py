"""Answer a query photo: choose the garments to search for, and search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from recommender.garments.categories import categories_of, discreet_ids
from recommender.garments.classifier import garments
from recommender.models import CategoryGarment, QueryPhoto
from recommender.search.similar import ROW_SIZE, similar_to_photo
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Product

EVERYTHING = "everything"
MAX_COUNT = 20
# If the probability of a garment reaches the first threshold, only this garment is searched for;
# otherwise the three likeliest are, if the sum of their probabilities reaches the second. Both
# thresholds were chosen on half of the validation photos and measured on the other half.
CERTAIN = 0.5
LIKELY = 0.3


@dataclass(frozen=True)
class Answer:
    """Holds the products found and the garments that the search was limited to.

    ``offered`` are garments that the shopper can choose instead of the ``searched`` ones.
    ``everything`` means that the search was not limited, ``missing`` that all categories with the
    garment are excluded, or that there are none. ``asks`` means that no garment was detected: the
    shopper must choose one first.
    """

    products: list[Product] = field(default_factory=list)
    searched: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    everything: bool = False
    asks: bool = False
    missing: bool = False


def answer_photo(
    photo: QueryPhoto, filters: Filters, garment: str = "", count: int = ROW_SIZE
) -> Answer:
    """Search by a photo for the garment that the shopper chose, or else the one detected.

    A category in ``filters`` takes precedence over both. Discreet categories, such as underwear,
    are only searched if they were detected or chosen.
    """
    likely = photo.likely_garments
    if filters.category_ids:
        return Answer(_search(photo, filters, count), offered=tuple(likely))
    if garment in garments():
        return _search_garments(photo, filters, (garment,), likely, count)
    detected = _detected(photo.garments)
    if garment == EVERYTHING or detected is None or not CategoryGarment.objects.exists():
        found = _search(photo, _without_discreet(filters), count)
        return Answer(found, offered=tuple(likely), everything=True)
    if not detected:
        return Answer(offered=garments_in_catalogue(), asks=True)
    return _search_garments(photo, filters, detected, likely, count)


def _search_garments(
    photo: QueryPhoto,
    filters: Filters,
    searched: tuple[str, ...],
    likely: Sequence[str],
    count: int,
) -> Answer:
    excluded = filters.excluded_category_ids
    categories = tuple(pk for pk in categories_of(searched) if pk not in excluded)
    offered = tuple(name for name in likely if name not in searched)
    if not categories:
        return Answer(searched=searched, offered=offered, missing=True)
    found = _search(photo, filters, count, categories)
    return Answer(found, searched, offered)


def _search(
    photo: QueryPhoto, filters: Filters, count: int, categories: tuple[int, ...] = ()
) -> list[Product]:
    """Return similar products: first those that match the words of the filters, then others."""
    found = similar_to_photo(photo, filters, categories=categories, count=count)
    if not filters.words or len(found) == count:
        return found
    filters = replace(filters, words="")
    others = similar_to_photo(photo, filters, categories=categories, count=count + len(found))
    return [*found, *(each for each in others if each not in found)][:count]


def _detected(likely: Sequence[tuple[str, float]] | None) -> tuple[str, ...] | None:
    """Return the garments to search for: ``()`` if all are unlikely, ``None`` if not classified."""
    if likely is None:
        return None
    if likely and likely[0][1] >= CERTAIN:
        return tuple(name for name, probability in likely if probability >= CERTAIN)
    possible = sum(probability for _name, probability in likely) >= LIKELY
    return tuple(name for name, _probability in likely) if possible else ()


def _without_discreet(filters: Filters) -> Filters:
    return replace(filters, excluded_category_ids=(*filters.excluded_category_ids, *discreet_ids()))


def garments_in_catalogue() -> tuple[str, ...]:
    """Return the garments that the catalogue's categories hold, in the classifier's order."""
    held = set(CategoryGarment.objects.values_list("garment", flat=True))
    return tuple(name for name in garments() if name in held)
