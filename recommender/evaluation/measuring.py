"""Measure the five nearest neighbours that each vectorizer finds for a dataset's queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.datasets import Dataset, K, Rows, labels_match
from recommender.evaluation.metrics import average_precisions, estimate, precisions
from recommender.evaluation.vectorizers import Vectors
from recommender.training.measuring import nearest_indices

Found = Mapping[str, Rows]
Results = dict[str, Any]
BLOCK = 100
# The report omits classes with fewer queries, because chance would decide their figures.
MIN_QUERIES = 4
WORST, CONFUSIONS = 20, 12


def find_five(vectors: Vectors, dataset: Dataset) -> Rows:
    """Return the rows (queries, 5) of the five nearest in the gallery, without the query itself."""
    gallery = vectors[dataset.gallery]
    blocks = [
        _find(vectors, gallery, dataset.gallery, dataset.queries[start : start + BLOCK])
        for start in range(0, len(dataset.queries), BLOCK)
    ]
    return np.concatenate(blocks)


def _find(vectors: Vectors, gallery: Vectors, rows: Rows, queries: Rows) -> Rows:
    found = rows[nearest_indices(vectors[queries], gallery, K + 1)]
    itself = found == queries[:, None]
    order = np.argsort(itself, axis=1, kind="stable")[:, :K]
    return np.take_along_axis(found, order, axis=1)


def measure(dataset: Dataset, found: Found, seed: int, against: str) -> Results:
    """Measure each label for every vectorizer, and its difference from vectorizer ``against``."""
    return {
        label: _measure_label(dataset, label, found, seed, against)
        for label in dataset.labels
        if (dataset.column(label)[dataset.queries] != "").any()
    }


def measure_without_duplicates(dataset: Dataset, found: Found, seed: int, against: str) -> Results:
    """Measure only queries without a duplicate of their file in the gallery; count the others.

    A network may have learned from the duplicate of a query. Duplicates that are queries themselves
    do not count, because networks learn from none of the queries.
    """
    files = np.array([picture.sha256 for picture in dataset.pictures])
    others = np.setdiff1d(dataset.gallery, dataset.queries)
    alone = ~np.isin(files[dataset.queries], files[others])
    fewer = replace(dataset, queries=dataset.queries[alone])
    rows = {name: neighbours[alone] for name, neighbours in found.items()}
    return {
        "duplicates": len(alone) - int(alone.sum()),
        "measures": {} if alone.all() else measure(fewer, rows, seed, against),
    }


def _measure_label(dataset: Dataset, label: str, found: Found, seed: int, against: str) -> Results:
    labels = dataset.column(label)
    labelled = labels[dataset.queries] != ""
    queries = dataset.queries[labelled]
    relevant = _relevant(dataset, label, queries)
    values = {}
    for name, neighbours in found.items():
        hits = labels_match(label, labels[queries][:, None], labels[neighbours[labelled]])
        values[name] = (precisions(hits), average_precisions(hits, relevant))
    reference = values[against][0]
    rows = {
        name: {
            "precision": estimate(precision, seed),
            "average_precision": estimate(average, seed),
            f"minus_{against}": estimate(precision - reference, seed),
        }
        for name, (precision, average) in values.items()
    }
    classes = len(set(labels[dataset.gallery].tolist()) - {""})
    alone = int((relevant == 0).sum())
    return {"queries": len(queries), "classes": classes, "without_relevant": alone, "rows": rows}


def count_right(dataset: Dataset, label: str, neighbours: Rows) -> list[int]:
    """Return how many queries have 0, 1, … 5 neighbours with their label."""
    labels = dataset.column(label)
    query_labels = labels[dataset.queries]
    right = (labels[neighbours] == query_labels[:, None]).sum(axis=1)
    counts: list[int] = np.bincount(right[query_labels != ""], minlength=K + 1).tolist()
    return counts


def _relevant(dataset: Dataset, label: str, queries: Rows) -> Rows:
    """Return how many other pictures of the gallery match each query."""
    labels = dataset.column(label)
    gallery, query_labels = labels[dataset.gallery], labels[queries]
    counts = {
        each: int(labels_match(label, each, gallery).sum()) for each in np.unique(query_labels)
    }
    inside = np.isin(queries, dataset.gallery)
    return np.array([counts[each] for each in query_labels]) - inside


def measure_spread(dataset: Dataset, found: Found, seen: Vectors, seed: int) -> Results:
    """Measure how diverse five neighbours are, by distances of ``seen`` vectors and by labels."""
    first = dataset.labels[0]
    colours = "base_colour" if "base_colour" in dataset.labels else None
    return {
        name: {"spread": estimate(_spread(seen, neighbours), seed)}
        | {
            f"distinct_by_{label}": estimate(_different(dataset.column(label)[neighbours]), seed)
            for label in (first, colours)
            if label
        }
        for name, neighbours in found.items()
    }


def _spread(seen: Vectors, neighbours: Rows) -> NDArray[np.float64]:
    pairs = [
        np.linalg.norm(seen[neighbours[:, a]] - seen[neighbours[:, b]], axis=1)
        for a, b in combinations(range(neighbours.shape[1]), 2)
    ]
    spread: NDArray[np.float64] = np.mean(pairs, axis=0, dtype=np.float64)
    return spread


def _different(labels: NDArray[np.str_]) -> NDArray[np.float64]:
    return np.array([float(len(set(row))) for row in labels.tolist()])


def by_class(dataset: Dataset, label: str, neighbours: Rows) -> list[Results]:
    """Return the precision of each class with enough queries, the lowest first."""
    labels = dataset.column(label)
    query_labels = labels[dataset.queries]
    right = (labels[neighbours] == query_labels[:, None]).mean(axis=1)
    gallery = Counter(labels[dataset.gallery].tolist())
    rows = [
        {
            "class": name,
            "queries": times,
            "gallery": gallery[name],
            "precision": round(float(right[query_labels == name].mean()), 4),
        }
        for name, times in Counter(query_labels.tolist()).items()
        if name and times >= MIN_QUERIES
    ]
    return sorted(rows, key=lambda row: (row["precision"], row["class"]))


def confusions(dataset: Dataset, label: str, neighbours: Rows) -> list[Results]:
    """Count the pairs of a query's label and a neighbour's wrong label, most frequent first."""
    labels = dataset.column(label)
    query_labels = labels[dataset.queries]
    pairs = Counter(
        (str(wanted), other)
        for wanted, others in zip(query_labels, labels[neighbours].tolist(), strict=True)
        for other in others
        if wanted and other != wanted
    )
    ranked = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:CONFUSIONS]
    return [{"wanted": a, "found": b or "?", "neighbours": times} for (a, b), times in ranked]


def worst_queries(dataset: Dataset, label: str, neighbours: Rows) -> list[Results]:
    """Return the queries with the fewest neighbours of their label, and all neighbours of each.

    Ties are ordered by the fewest matches of the other labels, then by id.
    """
    queries = dataset.queries
    right = {
        each: labels_match(
            each, dataset.column(each)[queries][:, None], dataset.column(each)[neighbours]
        )
        for each in dataset.labels
    }
    own, total = right[label].sum(axis=1), sum(each.sum(axis=1) for each in right.values())
    known = np.flatnonzero(dataset.column(label)[queries] != "")
    order = sorted(known.tolist(), key=lambda place: (own[place], total[place], place))
    return [
        {"query": int(queries[place]), "found": neighbours[place].tolist()}
        for place in order[:WORST]
    ]
