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

3. **Noise.** Every fifth product is drawn by popularity alone, whatever the tastes say.
4. **History.** ``views`` products, none twice, each from a taste drawn by its share; one more,
   drawn in the same way, is held out.

No recommender sees anchors, tastes or weights, with one exception: the popularity that the others
are compared with is the true one, better than any shop could know it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    taste = {"looks": _taste_for_looks, "labels": _taste_for_labels}[world]
    people = []
    for _ in range(shoppers):
        tastes = [taste(catalogue, popularity, rng) for _ in range(rng.choice(TASTES))]
        people.append(_shopper(tastes, popularity, rng, views))
    return Population(popularity, people)


def _taste_for_looks(catalogue: Catalogue, popularity: Floats, rng: np.random.Generator) -> Floats:
    anchor = catalogue.vectors[rng.integers(len(catalogue.ids))]
    squared = np.maximum(0, 2 - 2 * (catalogue.vectors @ anchor)).astype(np.float64)
    last = min(NEIGHBOURS, len(squared)) - 1
    width = max(float(np.partition(squared, last)[last]), 1e-6)
    return _normalised(popularity * np.exp(-squared / width) * (squared <= width))


def _taste_for_labels(catalogue: Catalogue, popularity: Floats, rng: np.random.Generator) -> Floats:
    kinds = np.unique(catalogue.kinds)
    own = catalogue.kinds == rng.choice(kinds)
    colour = rng.choice(catalogue.colours[own])
    return _normalised(popularity * own * np.where(catalogue.colours == colour, FAVOURITE, 1.0))


def _normalised(weights: Floats) -> Floats:
    result: Floats = weights / weights.sum()
    return result


def _shopper(
    tastes: Sequence[Floats], popularity: Floats, rng: np.random.Generator, views: int
) -> Shopper:
    shares = rng.dirichlet(np.ones(len(tastes)))
    seen: list[int] = []
    while len(seen) <= views:
        noise = rng.random() < NOISE
        weights = popularity if noise else tastes[rng.choice(len(tastes), p=shares)]
        item = int(rng.choice(len(weights), p=weights))
        if item not in seen:
            seen.append(item)
    return Shopper(history=seen[-2::-1], next=seen[-1])


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
