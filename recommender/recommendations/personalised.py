"""What a visitor may like, from what this visitor viewed, saved and bought.

Each of those products keeps a vector of its own: the mean of several tastes is nobody's taste.
What is near to any of them is weighed by its closeness to all of them, a density of tastes, and a
little by popularity. Maximal marginal relevance (Carbonell and Goldstein, "The Use of MMR,
Diversity-Based Reranking", 1998) keeps the list from being ten times the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.search.halfvec import read_halfvecs
from recommender.search.history import Near, near_history

COUNT = 10
# A heart says more than a look; what was bought is had already.
STRENGTHS = {"saved": 1.2, "viewed": 1.0, "bought": 0.9}
DECAY = 0.95
MAX_SEEDS = 12
NEIGHBOURS_PER_SEED = 12
WEIGHTED_HISTORY = """
bought AS MATERIALIZED (
    SELECT variant.product_id AS id, max(line.id) AS last
    FROM orders_order AS placed JOIN orders_orderline AS line ON line.order_id = placed.id
    JOIN catalogue_variant AS variant ON variant.id = line.variant_id
    WHERE placed.user_id = %(user)s AND placed.state NOT IN ('cancelled', 'refunded') GROUP BY 1),
history (id, reason, place) AS (
    SELECT id, 'viewed', place FROM unnest(%(viewed)s::bigint[]) WITH ORDINALITY AS v (id, place)
    UNION ALL
    SELECT id, 'saved', place FROM unnest(%(saved)s::bigint[]) WITH ORDINALITY AS s (id, place)
    UNION ALL
    SELECT product_id, 'saved', row_number() OVER (ORDER BY id DESC)
    FROM wishlist_savedproduct WHERE user_id = %(user)s
    UNION ALL SELECT id, 'bought', row_number() OVER (ORDER BY last DESC) FROM bought),
weighed AS (
    SELECT DISTINCT ON (id) id, reason, strength * power(%(decay)s, place - 1) AS weight
    FROM history JOIN unnest(%(reasons)s::text[], %(strengths)s::float8[]) AS s (reason, strength)
        USING (reason)
    ORDER BY id, weight DESC, reason)"""
# Of relevance and novelty in MMR.
MMR_LAMBDA = 0.7
# A squared distance, in spreads of the network, at which a neighbour counts 1/e.
KERNEL_WIDTH = 8.0
# How much a product gains that was in one visit or order more, by the logarithm.
POPULARITY_WEIGHT = 1.0


@dataclass(frozen=True)
class Recommendation:
    """Holds a product and the one for whose sake it was chosen: viewed, saved or bought."""

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
    """Return the best first, without what was viewed, saved or bought; no query without input.

    ``user``: the id of somebody signed in, whose saved and bought products are read; ``viewed``
    and ``saved``: product ids, newest first.
    """
    if user is None and not viewed and not saved:
        return []
    values = {
        "user": user,
        "viewed": list(viewed),
        "saved": list(saved),
        "reasons": list(STRENGTHS),
        "strengths": list(STRENGTHS.values()),
        "decay": DECAY,
        "seeds": MAX_SEEDS,
        "each": NEIGHBOURS_PER_SEED,
    }
    return rank(near_history(WEIGHTED_HISTORY, values), count)


def rank(near: Sequence[Near], count: int) -> list[Recommendation]:
    """Weigh what was found by all that the visitor likes, and by how popular it is; then MMR."""
    seeds = [one for one in near if one.product_id == one.seed]
    # In one order, so that equal products come out alike, whatever order they came in.
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
    copies = np.array([one.duplicate_group for one in found])
    new = ~np.isin(copies, [seed.duplicate_group for seed in seeds])
    order = _mmr(scores / max(scores.max(), 1e-12), vectors, copies, count, new)
    return [
        Recommendation(found[i].product_id, seeds[best[i]].seed, seeds[best[i]].reason)
        for i in order
    ]


def _vectors(near: Iterable[Near]) -> NDArray[np.float32]:
    """Return (n, 256), of length 1."""
    vectors = read_halfvecs(one.embedding for one in near)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-6)
    return result


def _mmr(
    scores: NDArray[np.float64],
    vectors: NDArray[np.float32],
    copies: NDArray[np.int64],
    count: int,
    left: NDArray[np.bool_],
) -> list[int]:
    """Return positions of those ``left``, the most relevant first, each unlike those before it.

    Of products with equal ``copies`` it takes one.
    """
    alike = vectors @ vectors.T
    chosen: list[int] = []
    nearest = np.zeros(len(scores))
    while left.any() and len(chosen) < count:
        value = np.where(left, MMR_LAMBDA * scores - (1 - MMR_LAMBDA) * nearest, -np.inf)
        position = int(np.argmax(value))
        chosen.append(position)
        left &= copies != copies[position]
        nearest = np.maximum(nearest, alike[position])
    return chosen
