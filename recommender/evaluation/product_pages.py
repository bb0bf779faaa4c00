"""Measure the similar items of product pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.colours import DELTA_E, colours_of, mean_difference
from recommender.evaluation.contact_sheets import Example, draw_sheet, sample_queries
from recommender.evaluation.datasets import (
    PATTERN,
    TYPE_AND_COLOUR,
    Dataset,
    EvaluationError,
    K,
    Progress,
    Rows,
    labels_match,
)
from recommender.evaluation.metrics import mean_of_known
from recommender.evaluation.page_answers import ShopProducts, match_products, similar_strip
from recommender.evaluation.vectorizers import Vectors

Results = dict[str, Any]
Found = Mapping[int, list[int]]
Mask = NDArray[np.bool_]
FIGURES = {
    "shown": "the number of similar items, divided by five",
    "type": "the share of the product's article type",
    "gender": "the share whose gender fits: Women, Unisex and unknown for Women; likewise for Men, "
    "Girls and Boys; all for Unisex and unknown",
    "colour": "the share of the product's base colour",
    "type_and_colour": "the share of its article type and its base colour",
    "pattern": "of products whose name contains print, stripe, check, solid, graphic, floral, polo "
    "or a word that begins so: the share whose name has one of the same words",
    "delta_e": DELTA_E,
    "cosine": "mean cosine similarity of the network's embeddings of the product and each item",
}
SUBSETS = ("first half", "second half", "all")
FOR_ANYBODY = ("Unisex", "")


def measure_product_pages(
    dataset: Dataset, queries: Rows, vectors: Vectors, seed: int, progress: Progress
) -> Results:
    """Measure the similar items on the pages of these rows, as a whole and in two halves.

    Raises ``EvaluationError``.
    """
    shop = match_products(dataset)
    _check_listed(dataset, queries, shop)
    found = {}
    for done, row in enumerate(queries.tolist(), 1):
        found[row] = shop.rows(similar_strip(shop.pk_of[row]))
        progress("product pages", done, len(queries))
    figures = _figures(dataset, shop, found, vectors)
    return {
        "measures": _means(figures, seed),
        "found": _ids(dataset, found),
        "picture": _draw(dataset, found, seed),
    }


def _check_listed(dataset: Dataset, queries: Rows, shop: ShopProducts) -> None:
    missing = [dataset.pictures[row].id for row in queries.tolist() if row not in shop.pk_of]
    if missing:
        raise EvaluationError(
            f"{len(missing)} of the {len(queries)} queries have no page in the "
            f"database: {', '.join(missing[:5])}. Were they removed from the shop just now? Run "
            "the command again."
        )


def _figures(
    dataset: Dataset, shop: ShopProducts, found: Found, vectors: Vectors
) -> dict[str, list[float]]:
    """Return each figure's values in the queries' order; NaN if it does not apply to a query."""
    columns = {label: dataset.column(label) for label in dataset.labels}
    colours = colours_of(dataset, [row for query in found for row in (query, *found[query])])
    figures: dict[str, list[float]] = {name: [] for name in FIGURES}
    for query, five in found.items():
        others = shop.in_stock.copy()
        others[query] = False
        figures["shown"].append(len(five) / K)
        for name, mask in _matching(columns, query).items():
            figures[name].append(_share(mask, five, others))
        shown = [colours[row] for row in five]
        figures["delta_e"].append(mean_difference(colours[query], shown))
        figures["cosine"].append(_mean_cosine(vectors, query, five))
    return figures


def _matching(columns: Mapping[str, NDArray[np.str_]], query: int) -> dict[str, Mask | None]:
    """Return which products match the query, by figure; ``None`` if the query lacks the label."""

    def same(label: str) -> Mask | None:
        wanted = columns[label][query]
        return labels_match(label, wanted, columns[label]) if wanted else None

    return {
        "type": same("article_type"),
        "gender": _gender_fits(columns["gender"], query),
        "colour": same("base_colour"),
        "type_and_colour": same(TYPE_AND_COLOUR),
        "pattern": same(PATTERN),
    }


def _gender_fits(genders: NDArray[np.str_], query: int) -> Mask:
    wanted = genders[query]
    if wanted in FOR_ANYBODY:
        return np.ones(len(genders), bool)
    return np.isin(genders, [wanted, *FOR_ANYBODY])


def _share(mask: Mask | None, five: Sequence[int], others: Mask) -> float:
    """Return the share of possible matches, at most five, that are shown; NaN if none exists."""
    possible = 0 if mask is None else min(K, int((mask & others).sum()))
    return float(mask[list(five)].sum()) / possible if mask is not None and possible else np.nan


def _mean_cosine(vectors: Vectors, query: int, five: Sequence[int]) -> float:
    return float((vectors[list(five)] @ vectors[query]).mean()) if five else np.nan


def _means(figures: Mapping[str, Sequence[float]], seed: int) -> Results:
    half = (len(figures["shown"]) + 1) // 2
    slices = dict(zip(SUBSETS, (slice(half), slice(half, None), slice(None)), strict=True))
    return {
        part: {name: mean_of_known(values[each], seed) for name, values in figures.items()}
        for part, each in slices.items()
    }


def _ids(dataset: Dataset, found: Found) -> dict[str, list[str]]:
    ids = [picture.id for picture in dataset.pictures]
    return {ids[query]: [ids[row] for row in five] for query, five in found.items()}


def _draw(dataset: Dataset, found: Found, seed: int) -> bytes:
    pictures = dataset.pictures
    return draw_sheet(
        Example(pictures[row].id, pictures[row].read(), [pictures[n].read() for n in found[row]])
        for row in sample_queries(list(found), seed)
    )
