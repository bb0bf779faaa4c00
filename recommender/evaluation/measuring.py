"""Measure one collection: the five of every vectorizer for every query, and what they are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.datasets import COUNT, Collection, Rows, agreeing
from recommender.evaluation.metrics import average_precisions, estimate, precisions
from recommender.evaluation.vectorizers import Vectors
from recommender.training.measuring import nearest_indices

Found = Mapping[str, Rows]
Results = dict[str, Any]
BLOCK = 100
# Of how many queries a class must be, to stand on its own.
LEAST_QUERIES = 4
WORST, CONFUSIONS = 20, 12


def find_five(vectors: Vectors, collection: Collection) -> Rows:
    """(queries, 5): the rows of the exact nearest in the gallery, without the query itself."""
    gallery = vectors[collection.gallery]
    blocks = [
        _find(vectors, gallery, collection.gallery, collection.queries[start : start + BLOCK])
        for start in range(0, len(collection.queries), BLOCK)
    ]
    return np.concatenate(blocks)


def _find(vectors: Vectors, gallery: Vectors, rows: Rows, queries: Rows) -> Rows:
    found = rows[nearest_indices(vectors[queries], gallery, COUNT + 1)]
    itself = found == queries[:, None]
    order = np.argsort(itself, axis=1, kind="stable")[:, :COUNT]
    return np.take_along_axis(found, order, axis=1)


def measure(collection: Collection, found: Found, seed: int, against: str) -> Results:
    """Measure each label: a row for each vectorizer, with its paired difference to ``against``."""
    return {
        label: _measure_label(collection, label, found, seed, against)
        for label in collection.labels
        if (collection.column(label)[collection.queries] != "").any()
    }


def measure_without_duplicates(
    collection: Collection, found: Found, seed: int, against: str
) -> Results:
    """Measure the queries whose file is nowhere else in the gallery, and count the others.

    What has a copy there may have been learned from. A copy that is a query too does not count.
    """
    files = np.array([picture.sha256 for picture in collection.pictures])
    others = np.setdiff1d(collection.gallery, collection.queries)
    alone = ~np.isin(files[collection.queries], files[others])
    fewer = replace(collection, queries=collection.queries[alone])
    rows = {name: neighbours[alone] for name, neighbours in found.items()}
    return {
        "duplicates": len(alone) - int(alone.sum()),
        "measures": {} if alone.all() else measure(fewer, rows, seed, against),
    }


def _measure_label(
    collection: Collection, label: str, found: Found, seed: int, against: str
) -> Results:
    labels = collection.column(label)
    asked = labels[collection.queries] != ""
    queries = collection.queries[asked]
    relevant = _relevant(collection, label, queries)
    values = {}
    for name, neighbours in found.items():
        hits = agreeing(label, labels[queries][:, None], labels[neighbours[asked]])
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
    classes = len(set(labels[collection.gallery].tolist()) - {""})
    alone = int((relevant == 0).sum())
    return {"queries": len(queries), "classes": classes, "without_relevant": alone, "rows": rows}


def right_counts(collection: Collection, label: str, neighbours: Rows) -> list[int]:
    """How many queries have 0, 1, … 5 right neighbours."""
    labels = collection.column(label)
    asked = labels[collection.queries]
    right = (labels[neighbours] == asked[:, None]).sum(axis=1)
    counts: list[int] = np.bincount(right[asked != ""], minlength=COUNT + 1).tolist()
    return counts


def _relevant(collection: Collection, label: str, queries: Rows) -> Rows:
    """How many others of the gallery agree with each query."""
    labels = collection.column(label)
    gallery, asked = labels[collection.gallery], labels[queries]
    counts = {each: int(agreeing(label, each, gallery).sum()) for each in np.unique(asked)}
    inside = np.isin(queries, collection.gallery)
    return np.array([counts[each] for each in asked]) - inside


def measure_spread(collection: Collection, found: Found, seen: Vectors, seed: int) -> Results:
    """How unlike each other the five are: by one network's distances, and by their labels."""
    first = collection.labels[0]
    colours = "base_colour" if "base_colour" in collection.labels else None
    return {
        name: {"spread": estimate(_spread(seen, neighbours), seed)}
        | {
            f"distinct_by_{label}": estimate(_different(collection.column(label)[neighbours]), seed)
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


def by_class(collection: Collection, label: str, neighbours: Rows) -> list[Results]:
    """Each class with enough queries, the worst first."""
    labels = collection.column(label)
    asked = labels[collection.queries]
    right = (labels[neighbours] == asked[:, None]).mean(axis=1)
    gallery = Counter(labels[collection.gallery].tolist())
    rows = [
        {
            "class": name,
            "queries": times,
            "gallery": gallery[name],
            "precision": round(float(right[asked == name].mean()), 4),
        }
        for name, times in Counter(asked.tolist()).items()
        if name and times >= LEAST_QUERIES
    ]
    return sorted(rows, key=lambda row: (row["precision"], row["class"]))


def confusions(collection: Collection, label: str, neighbours: Rows) -> list[Results]:
    """What was taken for what, most often first."""
    labels = collection.column(label)
    asked = labels[collection.queries]
    pairs = Counter(
        (str(wanted), other)
        for wanted, others in zip(asked, labels[neighbours].tolist(), strict=True)
        for other in others
        if wanted and other != wanted
    )
    ranked = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:CONFUSIONS]
    return [{"wanted": a, "found": b or "?", "neighbours": times} for (a, b), times in ranked]


def worst_queries(collection: Collection, label: str, neighbours: Rows) -> list[Results]:
    """The queries with the fewest right neighbours; of equals those with the fewest other labels
    right, then by id. Rows of the collection."""
    asked = collection.queries
    right = {
        each: agreeing(
            each, collection.column(each)[asked][:, None], collection.column(each)[neighbours]
        )
        for each in collection.labels
    }
    first, whole = right[label].sum(axis=1), sum(each.sum(axis=1) for each in right.values())
    known = np.flatnonzero(collection.column(label)[asked] != "")
    order = sorted(known.tolist(), key=lambda place: (first[place], whole[place], place))
    return [
        {"query": int(asked[place]), "found": neighbours[place].tolist()} for place in order[:WORST]
    ]
