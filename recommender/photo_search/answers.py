"""Answer a photo: decide for which garments to search, and search."""

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
# The likeliest garment alone is searched from this probability on, or else the three likeliest, if
# their sum reaches the other: chosen on half of the validation photos, reported on the rest.
SURE = 0.5
POSSIBLE = 0.3


@dataclass(frozen=True)
class Answer:
    """Holds the products found and how the search was limited.

    ``searched`` are the garments that it was limited to, ``offered`` those to choose from instead;
    ``asks`` says that no garment was made out, so that nothing was searched; ``missing`` that the
    shop has none of the garment.
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
    """Search with a photo for the garment that the shopper chose, or else that was made out.

    A category among the filters wins over both. Underwear and the like are only found when they
    were made out or chosen.
    """
    likely = photo.likely_garments
    if filters.category_ids:
        return Answer(_search(photo, filters, count), offered=tuple(likely))
    if garment in garments():
        return _within(photo, filters, (garment,), likely, count)
    guessed = _guess(photo.garments)
    if garment == EVERYTHING or guessed is None or not CategoryGarment.objects.exists():
        found = _search(photo, _without_discreet(filters), count)
        return Answer(found, offered=tuple(likely), everything=True)
    if not guessed:
        return Answer(offered=held_garments(), asks=True)
    return _within(photo, filters, guessed, likely, count)


def _within(
    photo: QueryPhoto,
    filters: Filters,
    searched: tuple[str, ...],
    likely: Sequence[str],
    count: int,
) -> Answer:
    categories = categories_of(searched)
    offered = tuple(name for name in likely if name not in searched)
    if not categories:
        return Answer(searched=searched, offered=offered, missing=True)
    kept = tuple(pk for pk in categories if pk not in filters.excluded_category_ids)
    found = _search(photo, filters, count, kept)
    return Answer(found, searched, offered)


def _search(
    photo: QueryPhoto, filters: Filters, count: int, categories: tuple[int, ...] = ()
) -> list[Product]:
    """Put what has the added words first, and fill up with what has not."""
    found = similar_to_photo(photo, filters, categories=categories, count=count)
    if not filters.words or len(found) == count:
        return found
    filters = replace(filters, words="")
    others = similar_to_photo(photo, filters, categories=categories, count=count + len(found))
    return [*found, *(each for each in others if each not in found)][:count]


def _guess(likely: Sequence[tuple[str, float]] | None) -> tuple[str, ...] | None:
    """Return the garments to search for: none if unlikely, ``None`` if nothing can guess."""
    if likely is None:
        return None
    if likely and likely[0][1] >= SURE:
        return tuple(name for name, probability in likely if probability >= SURE)
    possible = sum(probability for _name, probability in likely) >= POSSIBLE
    return tuple(name for name, _probability in likely) if possible else ()


def _without_discreet(filters: Filters) -> Filters:
    return replace(filters, excluded_category_ids=(*filters.excluded_category_ids, *discreet_ids()))


def held_garments() -> tuple[str, ...]:
    """Return the garments that some category holds, in the classifier's order."""
    held = set(CategoryGarment.objects.values_list("garment", flat=True))
    return tuple(name for name in garments() if name in held)
