"""Measure the strip of similar items on product pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.colours import DELTA_E, colours_of, mean_difference
from recommender.evaluation.contact_sheets import Example, draw_sheet, drawn_by_seed
from recommender.evaluation.datasets import (
    BOTH,
    COUNT,
    PATTERN,
    Collection,
    EvaluationError,
    Progress,
    Rows,
    agreeing,
)
from recommender.evaluation.metrics import mean_of_known
from recommender.evaluation.page_answers import ShopProducts, match_products, similar_strip
from recommender.evaluation.vectorizers import Vectors

Results = dict[str, Any]
Found = Mapping[int, list[int]]
Mask = NDArray[np.bool_]
FIGURES = {
    "shown": "products in the strip, divided by five",
    "type": "those of the product's article type",
    "gender": "those whose gender fits: Women, Unisex and unsaid for Women; likewise for Men, "
    "Girls and Boys; all for Unisex and unsaid",
    "colour": "those of the product's base colour",
    "type_and_colour": "those of its article type and its base colour",
    "pattern": "of products whose name says print, stripe, check, solid, graphic, floral or polo "
    "(or a word that begins so): those whose name says one of the same",
    "delta_e": DELTA_E,
    "cosine": "mean cosine of the network's embeddings between the product and the strip",
}
PARTS = ("first half", "second half", "all")
FOR_ANYBODY = ("Unisex", "")


def measure_product_pages(
    collection: Collection, queries: Rows, vectors: Vectors, seed: int, progress: Progress
) -> Results:
    """Ask the page of each query for its strip; ``queries`` are rows, in their halves' order.

    Raises ``EvaluationError``.
    """
    shop = match_products(collection)
    _check_listed(collection, queries, shop)
    found = {}
    for done, row in enumerate(queries.tolist(), 1):
        found[row] = shop.rows(similar_strip(shop.pk_of[row]))
        progress("product pages", done, len(queries))
    figures = _figures(collection, shop, found, vectors)
    return {
        "measures": _means(figures, seed),
        "found": _ids(collection, found),
        "picture": _draw(collection, found, seed),
    }


def _check_listed(collection: Collection, queries: Rows, shop: ShopProducts) -> None:
    missing = [collection.pictures[row].id for row in queries.tolist() if row not in shop.pk_of]
    if missing:
        raise EvaluationError(
            f"{len(missing)} of the {len(queries)} products to search with have no page in the "
            f"database: {', '.join(missing[:5])}. Were they taken out of the shop just now? Run "
            "the command again."
        )


def _figures(
    collection: Collection, shop: ShopProducts, found: Found, vectors: Vectors
) -> dict[str, list[float]]:
    """Return each figure's values in the queries' order; NaN where it does not apply."""
    columns = {label: collection.column(label) for label in collection.labels}
    colours = colours_of(collection, [row for query in found for row in (query, *found[query])])
    figures: dict[str, list[float]] = {name: [] for name in FIGURES}
    for query, five in found.items():
        others = shop.in_stock.copy()
        others[query] = False
        figures["shown"].append(len(five) / COUNT)
        for name, mask in _agreeing(columns, query).items():
            figures[name].append(_share(mask, five, others))
        shown = [colours[row] for row in five]
        figures["delta_e"].append(mean_difference(colours[query], shown))
        figures["cosine"].append(_mean_cosine(vectors, query, five))
    return figures


def _agreeing(columns: Mapping[str, NDArray[np.str_]], query: int) -> dict[str, Mask | None]:
    """Which products agree with the query, by figure; ``None`` where it has no such label."""

    def same(label: str) -> Mask | None:
        wanted = columns[label][query]
        return agreeing(label, wanted, columns[label]) if wanted else None

    return {
        "type": same("article_type"),
        "gender": _gender_fits(columns["gender"], query),
        "colour": same("base_colour"),
        "type_and_colour": same(BOTH),
        "pattern": same(PATTERN),
    }


def _gender_fits(genders: NDArray[np.str_], query: int) -> Mask:
    wanted = genders[query]
    if wanted in FOR_ANYBODY:
        return np.ones(len(genders), bool)
    return np.isin(genders, [wanted, *FOR_ANYBODY])


def _share(mask: Mask | None, five: Sequence[int], others: Mask) -> float:
    """Divide those of the five that agree by what exists, at most five; NaN if nothing does."""
    possible = 0 if mask is None else min(COUNT, int((mask & others).sum()))
    return float(mask[list(five)].sum()) / possible if mask is not None and possible else np.nan


def _mean_cosine(vectors: Vectors, query: int, five: Sequence[int]) -> float:
    return float((vectors[list(five)] @ vectors[query]).mean()) if five else np.nan


def _means(figures: Mapping[str, Sequence[float]], seed: int) -> Results:
    half = (len(figures["shown"]) + 1) // 2
    slices = dict(zip(PARTS, (slice(half), slice(half, None), slice(None)), strict=True))
    return {
        part: {name: mean_of_known(values[each], seed) for name, values in figures.items()}
        for part, each in slices.items()
    }


def _ids(collection: Collection, found: Found) -> dict[str, list[str]]:
    ids = [picture.id for picture in collection.pictures]
    return {ids[query]: [ids[row] for row in five] for query, five in found.items()}


def _draw(collection: Collection, found: Found, seed: int) -> bytes:
    pictures = collection.pictures
    return draw_sheet(
        Example(pictures[row].id, pictures[row].read(), [pictures[n].read() for n in found[row]])
        for row in drawn_by_seed(list(found), seed)
    )
