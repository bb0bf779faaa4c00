"""Shoppers who are made up, with tastes that are known, to measure recommendations on.

How a shopper comes about (all of it drawn from one seeded generator):

1. **Popularity.** Products get Zipf weights ``1 / rank ** 0.8`` in a random order: of 42,170
   products the ten most popular draw about a tenth of what is drawn by popularity alone.
2. **Tastes.** A shopper has 2, 3 or 4, with shares from a flat Dirichlet distribution. What a taste
   is depends on the world:

   - *looks*: an anchor picture and the hundred products nearest to it by L2. Each draws with its
     popularity times ``exp(-(d / s) ** 2)``; ``d`` is the distance and ``s`` that of the hundredth,
     so a taste is wide and soft, and popular products win within it.
   - *labels*: no picture at all. A gender and an article type of the catalogue, and a favourite
     colour that draws five times as much as the others; popularity weighs within it.

3. **Noise.** Every fifth product is drawn by popularity alone, whatever the tastes say; so is what
   is left to draw when a narrow taste is used up.
4. **History.** ``views`` products, none twice, each from a taste drawn by its share; one more,
   drawn in the same way, is held out.

Some shoppers only leave visits behind (``leave_visits``), from which the shop counts what is
popular as it does in production. No recommender sees anchors, tastes or weights, with one
exception: the popularity that the others are compared with is the true one, better than any shop
could know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.affinity import compute_affinities
from recommender.events import PAGE
from recommender.models import EmbeddingModel, Event
from recommender.nearest.five import nearest
from shop.catalogue.filters import Filters

Floats = NDArray[np.float64]
Recommend = Callable[[list[int]], list[int]]
SKEW = 0.8
NOISE = 0.2
TASTES = (2, 3, 4)
NEIGHBOURS = 100
FAVOURITE = 5.0


@dataclass(frozen=True)
class Catalogue:
    """``ids`` (n,), L2-normalised ``vectors`` (n, d), ``kinds`` (n,): gender and type, colours."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    kinds: NDArray[np.str_]
    colours: NDArray[np.str_]


@dataclass(frozen=True)
class Shopper:
    """Positions in the catalogue: ``history`` with the newest first, and what comes ``next``."""

    history: list[int]
    next: int


@dataclass(frozen=True)
class Population:
    popularity: Floats
    shoppers: list[Shopper]


def populate(
    catalogue: Catalogue, world: str, *, seed: int, shoppers: int, views: int = 12
) -> Population:
    """``world`` is ``looks`` or ``labels``; the module says how it is drawn."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, len(catalogue.ids) + 1) ** SKEW
    popularity = rng.permutation(weights / weights.sum())
    counts = rng.choice(TASTES, shoppers)
    draw = {"looks": _tastes_for_looks, "labels": _tastes_for_labels}[world]
    tastes = draw(catalogue, popularity, rng, int(counts.sum()))
    everything = _Draw(np.arange(len(popularity)), popularity)
    people = [_shopper([next(tastes) for _ in range(n)], everything, rng, views) for n in counts]
    return Population(popularity, people)


class _Draw:
    """Draws one of ``items`` with these ``weights``."""

    def __init__(self, items: NDArray[np.intp], weights: Floats) -> None:
        self.items, self.ends = items, np.cumsum(weights)

    def __call__(self, rng: np.random.Generator) -> int:
        place = np.searchsorted(self.ends, rng.random() * self.ends[-1], side="right")
        return int(self.items[min(int(place), len(self.items) - 1)])


def _tastes_for_looks(
    catalogue: Catalogue, popularity: Floats, rng: np.random.Generator, count: int
) -> Iterator[_Draw]:
    anchors = rng.integers(len(catalogue.ids), size=count)
    wide = min(NEIGHBOURS, len(catalogue.ids))
    for chunk in np.array_split(anchors, max(1, count // 64)):
        alike = catalogue.vectors[chunk] @ catalogue.vectors.T
        for row in np.maximum(0, 2 - 2 * alike).astype(np.float64):
            near = np.argpartition(row, wide - 1)[:wide]
            width = max(float(row[near].max()), 1e-6)
            yield _Draw(near, popularity[near] * np.exp(-row[near] / width))


def _tastes_for_labels(
    catalogue: Catalogue, popularity: Floats, rng: np.random.Generator, count: int
) -> Iterator[_Draw]:
    kinds = np.unique(catalogue.kinds)
    for kind in rng.choice(kinds, count):
        own = np.flatnonzero(catalogue.kinds == kind)
        favourite = catalogue.colours[own] == rng.choice(catalogue.colours[own])
        yield _Draw(own, popularity[own] * np.where(favourite, FAVOURITE, 1.0))


def _shopper(
    tastes: Sequence[_Draw], everything: _Draw, rng: np.random.Generator, views: int
) -> Shopper:
    shares = np.cumsum(rng.dirichlet(np.ones(len(tastes))))
    seen: dict[int, None] = {}
    for attempt in range(100 * views):
        taste = tastes[min(int(np.searchsorted(shares, rng.random())), len(tastes) - 1)]
        # A taste so narrow that all of it was seen leaves the rest to chance.
        by_chance = rng.random() < NOISE or attempt > 50 * views
        seen[everything(rng) if by_chance else taste(rng)] = None
        if len(seen) > views:
            break
    *history, last = seen
    return Shopper(history=history[::-1], next=last)


def leave_visits(catalogue: Catalogue, shoppers: Sequence[Shopper]) -> None:
    """Note what they looked at as the pages do, and count it."""
    Event.objects.bulk_create(
        Event(block=PAGE, kind=Event.Kind.VIEWED, product_id=int(pk), visit=f"made-up-{number}")
        for number, shopper in enumerate(shoppers)
        for pk in catalogue.ids[shopper.history]
    )
    compute_affinities()


def near_mean(product_ids: list[int], count: int) -> list[int]:
    """The nearest to the mean of these products' vectors, without them: what taste is against."""
    model = EmbeddingModel.objects.active()
    query = f"""SELECT l2_normalize(avg({model.column}::vector))::halfvec AS vector
    FROM catalogue_productimage WHERE product_id = ANY(%(source)s)"""  # noqa: S608
    values: dict[str, Any] = {"source": product_ids, "excluded": 0}
    found = nearest(model, query, values, Filters(), count + len(product_ids))
    return [n.product_id for n in found if n.product_id not in product_ids][:count]


def by_popularity(catalogue: Catalogue, popularity: Floats, count: int) -> Recommend:
    """The most popular that are not in the history."""
    order = [int(pk) for pk in catalogue.ids[np.argsort(-popularity)]]

    def recommend(history: list[int]) -> list[int]:
        return [pk for pk in order[: count + len(history)] if pk not in history][:count]

    return recommend


def measure(
    catalogue: Catalogue, shoppers: Sequence[Shopper], recommend: Recommend
) -> dict[str, float]:
    """``hit_rate``: how often the next one is among those recommended; ``diversity``: the mean
    L2 distance between two of a list.

    ``recommend`` takes and gives product ids.
    """
    place = {int(pk): i for i, pk in enumerate(catalogue.ids)}
    hits, spread = [], []
    for shopper in shoppers:
        found = recommend([int(catalogue.ids[i]) for i in shopper.history])
        hits.append(int(catalogue.ids[shopper.next]) in found)
        spread.append(_spread(catalogue.vectors[[place[pk] for pk in found]]))
    return {"hit_rate": float(np.mean(hits)), "diversity": float(np.mean(spread))}


def _spread(vectors: NDArray[np.float32]) -> float:
    if len(vectors) < 2:
        return 0.0
    pairs = np.triu_indices(len(vectors), 1)
    return float(np.sqrt(np.maximum(0, 2 - 2 * (vectors @ vectors.T)[pairs])).mean())
