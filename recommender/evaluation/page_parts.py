"""Measure product pages and photo search on a scratch database, or on the shop's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from recommender.evaluation.datasets import (
    Dataset,
    EvaluationError,
    Progress,
    Rows,
    read_ids,
)
from recommender.evaluation.page_answers import active_network
from recommender.evaluation.product_pages import measure_product_pages
from recommender.evaluation.scratch import scratch_database
from recommender.evaluation.street_photos import StreetPhoto, measure_photo_to_catalogue
from recommender.evaluation.vectorizers import Network
from recommender.evaluation.vectors import vectors_of

PRODUCT_PAGES, PHOTO_TO_CATALOGUE = "product_pages", "photo_to_catalogue"
Results = dict[str, Any]


def measure_pages(
    dataset: Dataset,
    network: Network,
    catalogue: Path | None,
    queries: Rows | None,
    photos: Sequence[StreetPhoto],
    seed: int,
    progress: Progress,
) -> Results:
    """Measure product pages if there are ``queries``, and photo search if there are ``photos``.

    A ``catalogue`` is imported into a scratch database; without one the shop's database is used.
    Raises ``EvaluationError``.
    """
    results: Results = {}
    with _database(catalogue, dataset, network, progress):
        if queries is not None:
            vectors = vectors_of(network, dataset.pictures, progress)
            results[PRODUCT_PAGES] = measure_product_pages(
                dataset, queries, vectors, seed, progress
            )
        if photos:
            results[PHOTO_TO_CATALOGUE] = measure_photo_to_catalogue(
                dataset, photos, seed, progress
            )
    return results


def queries_in_order(dataset: Dataset, ids: Path | None) -> Rows:
    """Return the queries in the order in which the file ``ids`` lists them.

    The order matters because each half of the list is reported separately.
    """
    if ids is None:
        return dataset.queries
    rows = {dataset.pictures[row].id: row for row in dataset.queries.tolist()}
    return np.array([rows[each] for each in read_ids(ids) if each in rows], np.int64)


@contextmanager
def _database(
    catalogue: Path | None, dataset: Dataset, network: Network, progress: Progress
) -> Iterator[None]:
    if catalogue is not None:
        with scratch_database(catalogue, dataset, network, progress):
            yield
    elif active_network() != network.name:
        raise EvaluationError(
            f"The shop searches with {active_network()}. Name it first instead of {network.name}, "
            "or name a catalogue with --catalogue for a scratch database."
        )
    else:
        yield
