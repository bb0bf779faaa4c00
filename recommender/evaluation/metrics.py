"""Compute precision at 5, average precision at 5 and confidence intervals of their means.

``hits`` (queries, 5) says whether each of a query's five neighbours has the query's label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
PERCENT = 95
DEFINITIONS = {
    "precision": "P@5 of a query: the number of the five nearest that have its label, divided by 5",
    "average_precision": "AP@5 of a query: the sum of the precisions at the ranks that have its "
    "label, divided by the smaller of 5 and the number of others in the gallery that have it "
    "(0 if there is none); mAP@5 is the mean over the queries",
    "interval": f"{PERCENT} % percentile interval of the mean in {RESAMPLES:,} bootstrap resamples "
    "of the queries, the same resamples for every row",
    "missing": "a query without the label is left out; a neighbour without it is wrong",
    "distance": "exact L2 between vectors of length 1 in half precision; ties by id; a query never "
    "finds itself",
    "spread": "the mean L2 distance between two of the five, by the same network for every row",
}


class Estimate(NamedTuple):
    """Holds a mean and the bounds of its confidence interval."""

    value: float
    low: float
    high: float


class Mean(NamedTuple):
    """Holds a figure's mean, and for how many queries the figure is defined."""

    queries: int
    estimate: Estimate | None


def precisions(hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the precision at 5 of each query."""
    result: NDArray[np.float64] = hits.mean(axis=1)
    return result


def average_precisions(hits: NDArray[np.bool_], relevant: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the average precision at 5 of each query.

    ``relevant`` (queries,) is the number of other pictures in the gallery with the query's label.
    """
    count = hits.shape[1]
    at_ranks = np.cumsum(hits, axis=1) / np.arange(1, count + 1)
    possible = np.clip(relevant, 1, count)
    result: NDArray[np.float64] = (at_ranks * hits).sum(axis=1) / possible
    return result


def estimate(values: NDArray[np.float64], seed: int) -> Estimate:
    """Return the mean and its confidence interval by bootstrap.

    The resamples depend only on the seed and the number of values, so two vectorizers are always
    compared on the same queries.
    """
    rng = np.random.default_rng([seed, 2])
    chosen = rng.integers(0, len(values), (RESAMPLES, len(values)))
    tail = (100 - PERCENT) / 2
    low, high = np.percentile(values[chosen].mean(axis=1), (tail, 100 - tail))
    return Estimate(*(round(float(each), 4) for each in (values.mean(), low, high)))


def mean_of_known(values: Sequence[float], seed: int) -> Mean:
    """Average the values except NaN, which stands for a query that the figure is undefined for."""
    known = np.array([value for value in values if not np.isnan(value)])
    return Mean(len(known), estimate(known, seed) if len(known) else None)
