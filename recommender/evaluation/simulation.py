"""Simulate shoppers with known tastes to measure recommendations.

A shopper is drawn as follows from one seeded generator (``Scenario`` has the parameters,
``docs/population.md`` the reasons):

1. **Popularity.** Products get Zipf weights ``1 / rank ** skew`` in a random order.
2. **Tastes.** A shopper has two to four tastes, with shares from a flat Dirichlet distribution. A
   taste is

   - visual: an anchor picture and the hundred products nearest to it by L2. The weight of each is
     its popularity times ``exp(-(d / s) ** 2)``, where ``d`` is its distance and ``s`` that of the
     hundredth, so popular products win within a taste; or
   - by labels, without any picture: a gender and an article type of the catalogue, and a favourite
     colour whose products weigh five times as much as others, all times popularity.

3. **Noise.** Every fifth product is drawn by popularity alone, and so is the rest of a history when
   a narrow taste is used up.
4. **History.** ``views`` distinct products, each from a taste drawn by its share, or with the
   probability ``stay`` from the taste of the one before. One more, chosen likewise, is held out.

The visits of some shoppers are only recorded (``record_visits``), and the shop counts popularity
from them as in production. No recommender sees anchors, tastes or weights, except the baseline
that recommends by the true popularity, which no shop could know.
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
# Number of candidates per product to recommend. Products of the history and duplicates are dropped
# from the candidates.
CANDIDATE_FACTOR = 4


@dataclass(frozen=True)
class Catalogue:
    """Holds ids (n,), unit vectors (n, d), kinds (n,), i.e. gender and type, and colours (n,)."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    kinds: NDArray[np.str_]
    colours: NDArray[np.str_]

    @cached_property
    def neighbours(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the rows and squared distances of the products nearest to each, itself included.

        Both are (n, ``NEIGHBOURS``). Takes two minutes for 42,170 products.
        """
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
class Scenario:
    """Holds the parameters of a simulation.

    ``skew`` is the Zipf exponent of popularity, ``visual_share`` the share of visual tastes,
    ``stay`` the probability that a product comes from the taste of the one before. With
    ``kinds_by_stock``, a kind is drawn in proportion to its number of products, else uniformly.
    """

    skew: float
    visual_share: float
    stay: float = 0.0
    kinds_by_stock: bool = False


SCENARIOS = {
    "shop": Scenario(skew=0.6, visual_share=0.5, stay=0.5, kinds_by_stock=True),
    "looks": Scenario(skew=0.8, visual_share=1.0),
    "labels": Scenario(skew=0.8, visual_share=0.0),
}


@dataclass(frozen=True)
class Shopper:
    """Holds a simulated shopper's history, newest first, and the next product, to be predicted.

    Products are given by their rows in the catalogue.
    """

    history: list[int]
    held_out: int


@dataclass(frozen=True)
class Population:
    """Holds the shoppers and the true popularity of each product."""

    popularity: Floats
    shoppers: list[Shopper]


def populate(
    catalogue: Catalogue, scenario: str, *, seed: int, shoppers: int, views: int = 12
) -> Population:
    """Draw shoppers for one of ``SCENARIOS`` as described at the top of this module."""
    rng, rules = np.random.default_rng(seed), SCENARIOS[scenario]
    weights = 1 / np.arange(1, len(catalogue.ids) + 1) ** rules.skew
    popularity = rng.permutation(weights / weights.sum())
    counts = rng.choice(TASTES, shoppers)
    tastes = _tastes(catalogue, popularity, rng, rules, int(counts.sum()))
    all_products = _Sampler(np.arange(len(popularity)), popularity)
    people = [
        _shopper([next(tastes) for _ in range(n)], all_products, rng, views, rules.stay)
        for n in counts
    ]
    return Population(popularity, people)


class _Sampler:
    """Draws one of ``items`` with these ``weights``."""

    def __init__(self, items: NDArray[np.intp], weights: Floats) -> None:
        self.items, self.ends = items, np.cumsum(weights)

    def __call__(self, rng: np.random.Generator) -> int:
        index = np.searchsorted(self.ends, rng.random() * self.ends[-1], side="right")
        return int(self.items[min(int(index), len(self.items) - 1)])


def _tastes(
    catalogue: Catalogue, popularity: Floats, rng: np.random.Generator, rules: Scenario, count: int
) -> Iterator[_Sampler]:
    kinds, sizes = np.unique(catalogue.kinds, return_counts=True)
    chances = sizes / sizes.sum() if rules.kinds_by_stock else None
    items_of = {kind: np.flatnonzero(catalogue.kinds == kind) for kind in kinds}
    for visual in rng.random(count) < rules.visual_share:
        if visual:
            yield _visual_taste(catalogue, popularity, int(rng.integers(len(catalogue.ids))))
        else:
            items = items_of[rng.choice(kinds, p=chances)]
            favourite = catalogue.colours[items] == rng.choice(catalogue.colours[items])
            yield _Sampler(items, popularity[items] * np.where(favourite, FAVOURITE, 1.0))


def _visual_taste(catalogue: Catalogue, popularity: Floats, anchor: int) -> _Sampler:
    near, squared = (table[anchor] for table in catalogue.neighbours)
    width = max(float(squared.max()), 1e-6)
    return _Sampler(near, popularity[near] * np.exp(-squared / width))


def _shopper(
    tastes: Sequence[_Sampler],
    all_products: _Sampler,
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
        # Drawn by popularity after many attempts, because a narrow taste may be used up.
        at_random = rng.random() < NOISE or attempt > 50 * views
        seen[all_products(rng) if at_random else taste(rng)] = None
        if len(seen) > views:
            break
    *history, last = seen
    return Shopper(history=history[::-1], held_out=last)


def record_visits(catalogue: Catalogue, shoppers: Sequence[Shopper]) -> None:
    """Record the products that shoppers viewed, as the pages do, and count popularity."""
    Event.objects.bulk_create(
        Event(block=PAGE, kind=Event.Kind.VIEWED, product_id=int(pk), visit=f"made-up-{number}")
        for number, shopper in enumerate(shoppers)
        for pk in catalogue.ids[shopper.history]
    )
    compute_affinities()


def near_mean(product_ids: list[int], count: int) -> list[int]:
    """Return the other products nearest to the mean embedding of ``product_ids``."""
    return [
        one.product_id for one in _near_mean(EmbeddingModel.objects.active(), product_ids, count)
    ]


def _near_mean(model: EmbeddingModel, product_ids: list[int], count: int) -> list[Neighbour]:
    """Search as the shop does, but by the mean; keep the nearest of each duplicate group."""
    with transaction.atomic(), connection.cursor() as cursor:
        strategy = choose_strategy(cursor, model.table, Filters())
        candidates, values = candidate_sql(strategy, model.table, Filters())
        sql = MEAN.format(table=model.table, candidates=candidates)
        values |= {"history": product_ids, "excluded": 0}
        values["candidates"] = CANDIDATE_FACTOR * (count + len(product_ids))
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
    """Return products near the mean of a history, weighted by the popularity counted by the shop.

    The number of candidates and the weights are those of ``personalised.rank``, which thus differs
    only in that it uses all vectors of the history instead of their mean.
    """
    model = EmbeddingModel.objects.active()
    near = _near_mean(model, product_ids, MAX_SEEDS * NEIGHBOURS_PER_SEED)
    ids = [one.product_id for one in near]
    baskets = dict(Popularity.objects.filter(product__in=ids).values_list("product", "baskets"))

    def score(one: Neighbour) -> float:
        popular = 1 + POPULARITY_WEIGHT * np.log1p(baskets.get(one.product_id, 0))
        return float(np.exp(-(one.score**2) / (KERNEL_WIDTH * model.spread)) * popular)

    return [one.product_id for one in sorted(near, key=score, reverse=True)[:count]]


def by_popularity(catalogue: Catalogue, popularity: Floats, count: int) -> Recommend:
    """Return a recommender of the most popular products that are not in the history."""
    order = [int(pk) for pk in catalogue.ids[np.argsort(-popularity)]]

    def recommend(history: list[int]) -> list[int]:
        return [pk for pk in order[: count + len(history)] if pk not in history][:count]

    return recommend


def measure(
    catalogue: Catalogue, shoppers: Sequence[Shopper], recommend: Recommend
) -> dict[str, float]:
    """Measure a recommender, a function from the product ids of a history to those recommended.

    ``hit_rate`` is the share of shoppers whose held-out product is recommended, ``diversity`` the
    mean L2 distance between two products of a list.
    """
    row_of = {int(pk): row for row, pk in enumerate(catalogue.ids)}
    hits, spread = [], []
    for shopper in shoppers:
        found = recommend([int(catalogue.ids[i]) for i in shopper.history])
        hits.append(int(catalogue.ids[shopper.held_out]) in found)
        spread.append(_spread(catalogue.vectors[[row_of[pk] for pk in found]]))
    return {"hit_rate": float(np.mean(hits)), "diversity": float(np.mean(spread))}


def _spread(vectors: NDArray[np.float32]) -> float:
    if len(vectors) < 2:
        return 0.0
    pairs = np.triu_indices(len(vectors), 1)
    return float(np.sqrt(np.maximum(0, 2 - 2 * (vectors @ vectors.T)[pairs])).mean())
