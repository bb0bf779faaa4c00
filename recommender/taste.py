"""What a visitor may like, from what this visitor viewed, saved and bought.

Each of those products keeps a vector of its own: the mean of several tastes is nobody's taste.
The nearest of each are merged, and maximal marginal relevance (Carbonell and Goldstein, "The Use of
MMR, Diversity-Based Reranking", 1998) keeps the list from being ten times the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.nearest import Near, near_history

TEN = 10
# A heart says more than a look; what was bought is had already.
STRENGTHS = {"saved": 1.2, "viewed": 1.0, "bought": 0.9}
FADING = 0.95
SEEDS = 12
EACH = 15
# Of relevance and novelty in MMR.
RELEVANCE = 0.7
# A squared distance at which a neighbour counts 1/e.
REACH = 0.3


@dataclass(frozen=True)
class Pick:
    """A product and the one for whose sake it was picked; ``reason``: viewed, saved or bought."""

    product_id: int
    seed: int
    reason: str


def picked(
    *,
    user: int | None = None,
    viewed: Sequence[int] = (),
    saved: Sequence[int] = (),
    count: int = TEN,
) -> list[Pick]:
    """The best first; nothing that was viewed, saved or bought. One query, or none without input.

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
        "fading": FADING,
        "seeds": SEEDS,
        "each": EACH,
    }
    return choose(near_history(values), count)


def choose(near: Sequence[Near], count: int) -> list[Pick]:
    """Merge what was found around each seed, then MMR; ties go to the lower product id."""
    best: dict[int, Near] = {}
    relevance: dict[int, float] = {}
    for one in sorted(near, key=lambda n: (n.product_id, -_closeness(n), n.seed)):
        best.setdefault(one.product_id, one)
        relevance[one.product_id] = relevance.get(one.product_id, 0.0) + _closeness(one)
    if not best:
        return []
    scores = np.array([relevance[pk] for pk in best])
    order = _mmr(scores / scores.max(), _sketches(best.values()), count)
    found = list(best.values())
    return [Pick(found[i].product_id, found[i].seed, found[i].reason) for i in order]


def _closeness(near: Near) -> float:
    return near.weight * float(np.exp(-(near.distance**2) / REACH))


def _sketches(near: Sequence[Near] | object) -> NDArray[np.float32]:
    """(n, 256), of length 1. PostgreSQL sends two 16-bit numbers, then big-endian halves."""
    rows = [np.frombuffer(one.sketch, ">f2", offset=4) for one in near]  # type: ignore[attr-defined]
    sketches = np.stack(rows).astype(np.float32)
    lengths = np.linalg.norm(sketches, axis=1, keepdims=True)
    result: NDArray[np.float32] = sketches / np.maximum(lengths, 1e-6)
    return result


def _mmr(scores: NDArray[np.float64], sketches: NDArray[np.float32], count: int) -> list[int]:
    """Positions, the most relevant first, each then least like those before it."""
    alike = sketches @ sketches.T
    chosen: list[int] = []
    nearest = np.zeros(len(scores))
    left = np.ones(len(scores), bool)
    for _ in range(min(count, len(scores))):
        value = np.where(left, RELEVANCE * scores - (1 - RELEVANCE) * nearest, -np.inf)
        pick = int(np.argmax(value))
        chosen.append(pick)
        left[pick] = False
        nearest = np.maximum(nearest, alike[pick])
    return chosen
