"""Measure a network on pictures that it was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recommender.training.catalogue import LABELS
from recommender.training.snapshot import TRAIN, VALIDATION, Snapshot

if TYPE_CHECKING:
    # Imported for type checks only, because it imports TensorFlow, which evaluations do not need.
    from recommender.training.trainer import Trainer

K = 5
# The gallery is limited, because embedding a large catalogue would take longer than the epoch.
MAX_GALLERY = 5000
Precision = dict[str, float | None]


def measure(trainer: Trainer, snapshot: Snapshot, part: str, seed: int) -> Precision:
    """Return P@5 by label for the pictures of a ``part``, searched for in the training pictures.

    A query without the label is left out; a neighbour without the label counts as wrong. The figure
    is ``None`` if there are no queries.
    """
    queries, gallery = snapshot.parts[part], _gallery(snapshot, seed)
    if not len(queries):
        return dict.fromkeys(LABELS)
    count = min(K, len(gallery))
    found = nearest_indices(trainer.embed(queries), trainer.embed(gallery), count)
    neighbours = gallery[np.asarray(found)]
    return {
        name: _precision(snapshot.labels[:, number], queries, neighbours)
        for number, name in enumerate(LABELS)
    }


def measure_spread(trainer: Trainer, snapshot: Snapshot, seed: int) -> float:
    """Return the median of half the squared L2 distance to the fifth nearest training picture.

    The queries are the validation products. If there are fewer than five training pictures, the
    most distant one is used.
    """
    queries = trainer.embed(snapshot.parts[VALIDATION])
    cosines = queries @ trainer.embed(_gallery(snapshot, seed)).T
    return float(np.median(1 - np.sort(cosines, axis=1)[:, ::-1][:, :K][:, -1]))


def _gallery(snapshot: Snapshot, seed: int) -> NDArray[np.int64]:
    rows = snapshot.parts[TRAIN]
    if len(rows) <= MAX_GALLERY:
        return rows
    return np.sort(np.random.default_rng([seed, 6]).choice(rows, MAX_GALLERY, replace=False))


def _precision(
    labels: NDArray[np.int32], queries: NDArray[np.int64], neighbours: NDArray[Any]
) -> float | None:
    known = labels[queries] >= 0
    if not known.any():
        return None
    return float(precision_at(labels[queries][known], labels[neighbours][known]))


def nearest_indices(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], count: int
) -> NDArray[np.int64]:
    """Return gallery indices of the unit vectors nearest to each query by L2, ties by index."""
    found: NDArray[np.int64] = np.argsort(-(queries @ gallery.T), axis=1, kind="stable")[:, :count]
    return found


def precision_at(query_labels: NDArray[Any], neighbour_labels: NDArray[Any]) -> float:
    """Return the share of all neighbours that have the label of their query."""
    return float((neighbour_labels == query_labels[:, None]).mean())
