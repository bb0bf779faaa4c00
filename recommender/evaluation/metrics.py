"""Precision, average precision and the intervals around their means.

Each takes ``hits`` (queries, 5): whether the neighbour of that rank has the query's label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
PERCENT = 95
DEFINITIONS = {
    "precision": "P@5 of a query: how many of the five nearest have its label, divided by 5",
    "average_precision": "AP@5 of a query: the sum of the precisions at the ranks that have its "
    "label, divided by the smaller of 5 and the number of others in the gallery that have it "
    "(0 if there is none); mAP@5 is the mean over the queries",
    "interval": f"{PERCENT} % percentile interval of the mean in {RESAMPLES:,} bootstrap resamples "
    "of the queries, the same resamples for every row",
    "missing": "a query without the label is left out; a neighbour without it is wrong",
    "distance": "exact L2 between vectors of length 1 in half precision; ties by id; a query never "
    "finds itself",
    "spread": "the mean L2 distance between two of the five, all rows seen by the same network",
}


class Estimate(NamedTuple):
    """A mean and the ends of its interval."""

    value: float
    low: float
    high: float


class Mean(NamedTuple):
    """A mean over the queries that have the figure, and how many they are."""

    queries: int
    estimate: Estimate | None


def precisions(hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = hits.mean(axis=1)
    return result


def average_precisions(hits: NDArray[np.bool_], relevant: NDArray[np.int64]) -> NDArray[np.float64]:
    """``relevant`` (queries,): how many of the gallery have the label, the query left out."""
    count = hits.shape[1]
    at_ranks = np.cumsum(hits, axis=1) / np.arange(1, count + 1)
    possible = np.clip(relevant, 1, count)
    result: NDArray[np.float64] = (at_ranks * hits).sum(axis=1) / possible
    return result


def estimate(values: NDArray[np.float64], seed: int) -> Estimate:
    """The mean with its interval; the same resamples for as many values and the same seed.

    The difference of two rows of the same queries is therefore estimated in pairs.
    """
    rng = np.random.default_rng([seed, 2])
    chosen = rng.integers(0, len(values), (RESAMPLES, len(values)))
    tail = (100 - PERCENT) / 2
    low, high = np.percentile(values[chosen].mean(axis=1), (tail, 100 - tail))
    return Estimate(*(round(float(each), 4) for each in (values.mean(), low, high)))


def mean_of_known(values: Sequence[float], seed: int) -> Mean:
    """Average without NaN, which stands for a query that does not have the figure."""
    known = np.array([value for value in values if not np.isnan(value)])
    return Mean(len(known), estimate(known, seed) if len(known) else None)
