"""Recommend products to a visitor by what this visitor viewed, saved and bought.

Candidates are the nearest neighbours of each of these products, not of the mean of their vectors,
which is close to none of them. They are scored by a kernel density over all these products, and by
popularity. Maximal marginal relevance (Carbonell and Goldstein, "The Use of MMR, Diversity-Based
Reranking", 1998) keeps the recommendations diverse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.search.halfvec import read_halfvecs
from recommender.search.history import HistoryNeighbour, neighbours_of_history

COUNT = 10
# Saving a product shows more interest than viewing it. Buying one counts least, because its buyer
# rarely needs a similar one.
WEIGHTS = {"saved": 1.2, "viewed": 1.0, "bought": 0.9}
# Each product of the history has this share of the weight of the next newer one.
DECAY = 0.95
MAX_SEEDS = 12
NEIGHBOURS_PER_SEED = 12
WEIGHTED_HISTORY = """
bought AS MATERIALIZED (
    SELECT variant.product_id AS id, max(line.id) AS last
    FROM orders_order AS placed JOIN orders_orderline AS line ON line.order_id = placed.id
    JOIN catalogue_variant AS variant ON variant.id = line.variant_id
    WHERE placed.user_id = %(user)s AND placed.state NOT IN ('cancelled', 'refunded') GROUP BY 1),
history (id, reason, position) AS (
    SELECT id, 'viewed', place FROM unnest(%(viewed)s::bigint[]) WITH ORDINALITY AS v (id, place)
    UNION ALL
    SELECT id, 'saved', place FROM unnest(%(saved)s::bigint[]) WITH ORDINALITY AS s (id, place)
    UNION ALL
    SELECT product_id, 'saved', row_number() OVER (ORDER BY id DESC)
    FROM wishlist_savedproduct WHERE user_id = %(user)s
    UNION ALL SELECT id, 'bought', row_number() OVER (ORDER BY last DESC) FROM bought),
weighted AS (
    SELECT DISTINCT ON (id) id, reason, base_weight * power(%(decay)s, position - 1) AS weight
    FROM history JOIN unnest(%(reasons)s::text[], %(weights)s::float8[]) AS b (reason, base_weight)
        USING (reason)
    ORDER BY id, weight DESC, reason)"""
# Weight of relevance in maximal marginal relevance; the rest is the weight of diversity.
MMR_LAMBDA = 0.7
# The squared distance, in spreads of the network, at which the kernel falls to 1/e.
KERNEL_WIDTH = 8.0
# Weight of the logarithm of the number of visits and orders with a product.
POPULARITY_WEIGHT = 1.0


@dataclass(frozen=True)
class Recommendation:
    """Holds a recommended product and its ``seed``, which was viewed, saved or bought."""

    product_id: int
    seed: int
    reason: str


def personalised(
    *,
    user: int | None = None,
    viewed: Sequence[int] = (),
    saved: Sequence[int] = (),
    count: int = COUNT,
) -> list[Recommendation]:
    """Return recommendations for a visitor, the best first.

    ``user`` is the id of a customer, whose saved and bought products are read; ``viewed`` and
    ``saved`` are product ids, the newest first. None of these products is recommended. Without any
    of these arguments, returns ``[]`` and runs no query.
    """
    if user is None and not viewed and not saved:
        return []
    values = {
        "user": user,
        "viewed": list(viewed),
        "saved": list(saved),
        "reasons": list(WEIGHTS),
        "weights": list(WEIGHTS.values()),
        "decay": DECAY,
        "seeds": MAX_SEEDS,
        "each": NEIGHBOURS_PER_SEED,
    }
    return rank(neighbours_of_history(WEIGHTED_HISTORY, values), count)


def rank(near: Sequence[HistoryNeighbour], count: int) -> list[Recommendation]:
    """Score the neighbours by kernel density and popularity, and select by MMR."""
    seeds = [one for one in near if one.product_id == one.seed]
    # Neighbours are sorted, so that the result does not depend on the order of the rows.
    ordered = sorted(near, key=lambda one: (one.product_id, one.seed))
    found = list({one.product_id: one for one in ordered if one.product_id != one.seed}.values())
    if not found:
        return []
    vectors = _vectors(found)
    squared = np.maximum(0, 2 - 2 * vectors @ _vectors(seeds).T)
    weights = np.array([seed.weight for seed in seeds])
    closeness = np.exp(-squared / (KERNEL_WIDTH * found[0].spread)) * weights
    popular = 1 + POPULARITY_WEIGHT * np.log1p([one.baskets for one in found])
    scores = closeness.sum(axis=1) * popular
    best = closeness.argmax(axis=1)
    groups = np.array([one.duplicate_group for one in found])
    new = ~np.isin(groups, [seed.duplicate_group for seed in seeds])
    order = _mmr(scores / max(scores.max(), 1e-12), vectors, groups, count, new)
    return [
        Recommendation(found[i].product_id, seeds[best[i]].seed, seeds[best[i]].reason)
        for i in order
    ]


def _vectors(near: Iterable[HistoryNeighbour]) -> NDArray[np.float32]:
    """Return the embeddings as unit vectors (n, 256)."""
    vectors = read_halfvecs(one.embedding for one in near)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-6)
    return result


def _mmr(
    scores: NDArray[np.float64],
    vectors: NDArray[np.float32],
    groups: NDArray[np.int64],
    count: int,
    available: NDArray[np.bool_],
) -> list[int]:
    """Return positions of ``available`` products by maximal marginal relevance, the best first.

    Selects at most one product of each duplicate group.
    """
    similarity = vectors @ vectors.T
    chosen: list[int] = []
    nearest = np.zeros(len(scores))
    while available.any() and len(chosen) < count:
        value = np.where(available, MMR_LAMBDA * scores - (1 - MMR_LAMBDA) * nearest, -np.inf)
        position = int(np.argmax(value))
        chosen.append(position)
        available &= groups != groups[position]
        nearest = np.maximum(nearest, similarity[position])
    return chosen
