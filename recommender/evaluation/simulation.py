"""Simulate shoppers whose tastes are known, to measure recommendations on.

How a shopper comes about (all of it drawn from one seeded generator; ``World`` has the numbers and
``docs/population.md`` the reasons for each):

1. **Popularity.** Products get Zipf weights ``1 / rank ** skew`` in a random order.
2. **Tastes.** A shopper has 2, 3 or 4, with shares from a flat Dirichlet distribution. A taste is

   - by *looks*: an anchor picture and the hundred products nearest to it by L2. Each draws with its
     popularity times ``exp(-(d / s) ** 2)``; ``d`` is the distance and ``s`` that of the hundredth,
     so a taste is wide and soft, and popular products win within it; or
   - by *labels*: no picture at all. A gender and an article type of the catalogue, and a favourite
     colour that draws five times as much as the others; popularity weighs within it.

3. **Noise.** Every fifth product is drawn by popularity alone, whatever the tastes say; so is what
   is left to draw when a narrow taste is used up.
4. **History.** ``views`` products, none twice, each from a taste drawn by its share, or from the
   taste before it with the probability ``stay``; one more, drawn in the same way, is held out.

Some shoppers only leave visits behind (``leave_visits``), from which the shop counts what is
popular as it does in production. No recommender sees anchors, tastes or weights, with one
exception: the popularity that the others are compared with is the true one, better than any shop
could know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from recommender.models import EmbeddingModel, Event, Popularity
from recommender.recommendations.copurchase import compute_affinities
from recommender.recommendations.personalised import (
    KERNEL_WIDTH,
    MAX_SEEDS,
    NEIGHBOURS_PER_SEED,
    POPULARITY_WEIGHT,
)
from recommender.search.candidates import SETTINGS, candidate_sql, choose_strategy
from recommender.search.similar import Neighbour
from recommender.tracking.events import PAGE
from shop.catalogue.browsing.filters import Filters
from shop.core.db import execute_with_settings

Floats = NDArray[np.float64]
Recommend = Callable[[list[int]], list[int]]
NOISE = 0.2
TASTES = (2, 3, 4)
NEIGHBOURS = 100
FAVOURITE = 5.0
MEAN = """
WITH query AS MATERIALIZED (
    SELECT l2_normalize(avg(embedding::vector))::halfvec AS embedding FROM {table}
    WHERE product_id = ANY(%(history)s) AND embedding IS NOT NULL)
SELECT product_id, duplicate_group, distance FROM ({candidates} LIMIT %(candidates)s) AS candidate
ORDER BY distance, product_id
"""
# So many candidates for each product that is wanted: some are in the history or copies.
CANDIDATES = 4


@dataclass(frozen=True)
class Catalogue:
    """``ids`` (n,), L2-normalised ``vectors`` (n, d), ``kinds`` (n,): gender and type, colours."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    kinds: NDArray[np.str_]
    colours: NDArray[np.str_]

    @cached_property
    def neighbours(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Positions of the ``NEIGHBOURS`` nearest of each product, itself among them, and squared
        distances; both (n, ``NEIGHBOURS``). Two minutes for 42,170 products."""
        wide = min(NEIGHBOURS, len(self.ids))
        near = np.empty((len(self.ids), wide), np.int32)
        squared = np.empty((len(self.ids), wide), np.float32)
        for start in range(0, len(self.ids), 256):
            rows = np.maximum(0, 2 - 2 * self.vectors[start : start + 256] @ self.vectors.T)
            found = np.argpartition(rows, wide - 1, axis=1)[:, :wide]
            near[start : start + 256] = found
            squared[start : start + 256] = np.take_along_axis(rows, found, axis=1)
        return near, squared


@dataclass(frozen=True)
class World:
    """``skew``: the Zipf exponent; ``looks``: the share of tastes by looks; ``stay``: how often a
    product comes from the taste of the one before; ``stocked``: kinds are drawn as often as the
    shop has products of them, instead of each as often as the others."""

    skew: float
    looks: float
    stay: float = 0.0
    stocked: bool = False


WORLDS = {
    "shop": World(skew=0.6, looks=0.5, stay=0.5, stocked=True),
    "looks": World(skew=0.8, looks=1.0),
    "labels": World(skew=0.8, looks=0.0),
}


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
    """``world`` is one of ``WORLDS``; the module says how it is drawn."""
    rng, rules = np.random.default_rng(seed), WORLDS[world]
    weights = 1 / np.arange(1, len(catalogue.ids) + 1) ** rules.skew
    popularity = rng.permutation(weights / weights.sum())
    counts = rng.choice(TASTES, shoppers)
    tastes = _tastes(catalogue, popularity, rng, rules, int(counts.sum()))
    everything = _Draw(np.arange(len(popularity)), popularity)
    people = [
        _shopper([next(tastes) for _ in range(n)], everything, rng, views, rules.stay)
        for n in counts
    ]
    return Population(popularity, people)


class _Draw:
    """Draws one of ``items`` with these ``weights``."""

    def __init__(self, items: NDArray[np.intp], weights: Floats) -> None:
        self.items, self.ends = items, np.cumsum(weights)

    def __call__(self, rng: np.random.Generator) -> int:
        place = np.searchsorted(self.ends, rng.random() * self.ends[-1], side="right")
        return int(self.items[min(int(place), len(self.items) - 1)])


def _tastes(
    catalogue: Catalogue, popularity: Floats, rng: np.random.Generator, rules: World, count: int
) -> Iterator[_Draw]:
    kinds, sizes = np.unique(catalogue.kinds, return_counts=True)
    chances = sizes / sizes.sum() if rules.stocked else None
    own = {kind: np.flatnonzero(catalogue.kinds == kind) for kind in kinds}
    for by_looks in rng.random(count) < rules.looks:
        if by_looks:
            yield _by_looks(catalogue, popularity, int(rng.integers(len(catalogue.ids))))
        else:
            items = own[rng.choice(kinds, p=chances)]
            favourite = catalogue.colours[items] == rng.choice(catalogue.colours[items])
            yield _Draw(items, popularity[items] * np.where(favourite, FAVOURITE, 1.0))


def _by_looks(catalogue: Catalogue, popularity: Floats, anchor: int) -> _Draw:
    near, squared = (table[anchor] for table in catalogue.neighbours)
    width = max(float(squared.max()), 1e-6)
    return _Draw(near, popularity[near] * np.exp(-squared / width))


def _shopper(
    tastes: Sequence[_Draw],
    everything: _Draw,
    rng: np.random.Generator,
    views: int,
    stay: float,
) -> Shopper:
    shares = np.cumsum(rng.dirichlet(np.ones(len(tastes))))
    seen: dict[int, None] = {}
    taste = tastes[0]
    for attempt in range(100 * views):
        if not seen or rng.random() >= stay:
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
    """Return the products nearest to the mean of these products' embeddings, without them."""
    return [
        one.product_id for one in _near_mean(EmbeddingModel.objects.active(), product_ids, count)
    ]


def _near_mean(model: EmbeddingModel, product_ids: list[int], count: int) -> list[Neighbour]:
    """Search as the shop does; of copies the nearest one is kept."""
    with transaction.atomic(), connection.cursor() as cursor:
        strategy = choose_strategy(cursor, model.table, Filters())
        candidates, values = candidate_sql(strategy, model.table, Filters())
        sql = MEAN.format(table=model.table, candidates=candidates)
        values |= {"history": product_ids, "excluded": 0}
        values["candidates"] = CANDIDATES * (count + len(product_ids))
        execute_with_settings(cursor, sql, values, SETTINGS[strategy])
        rows = cursor.fetchall()
    found: list[Neighbour] = []
    seen, groups = set(product_ids), set[int]()
    for product_id, group, distance in rows:
        if product_id not in seen and group not in groups:
            found.append(Neighbour(product_id, group, distance))
        seen.add(product_id)
        groups.add(group)
    return found[:count]


def near_mean_popular(product_ids: list[int], count: int) -> list[int]:
    """Weigh as many near the mean as ``personalised.rank`` has by popularity, as it does."""
    model = EmbeddingModel.objects.active()
    near = _near_mean(model, product_ids, MAX_SEEDS * NEIGHBOURS_PER_SEED)
    ids = [one.product_id for one in near]
    baskets = dict(Popularity.objects.filter(product__in=ids).values_list("product", "baskets"))

    def score(one: Neighbour) -> float:
        popular = 1 + POPULARITY_WEIGHT * np.log1p(baskets.get(one.product_id, 0))
        return float(np.exp(-(one.score**2) / (KERNEL_WIDTH * model.spread)) * popular)

    return [one.product_id for one in sorted(near, key=score, reverse=True)[:count]]


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
