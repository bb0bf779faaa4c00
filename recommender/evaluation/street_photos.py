"""Measure photo search on photos of people's own clothes."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.colours import DELTA_E, colour_of, colours_of, mean_difference
from recommender.evaluation.contact_sheets import Example, draw_sheet, sample_queries
from recommender.evaluation.datasets import QUERIES, Dataset, EvaluationError, K, Progress
from recommender.evaluation.metrics import mean_of_known
from recommender.evaluation.page_answers import match_products, photo_results
from shop.catalogue.images.pictures import PictureError

Results = dict[str, Any]
LABELS_FILE = "labels.csv"
PARTS = (QUERIES, "test")
COLUMNS = ("file", "label", "part")
# The article types that count as correct results, by the class of a photo.
ARTICLE_TYPES = {
    "T-Shirt": ("Tshirts",),
    "Polo": ("Tshirts",),
    "Longsleeve": ("Tshirts", "Tops", "Sweatshirts", "Sweaters"),
    "Undershirt": ("Innerwear Vests", "Tshirts", "Camisoles", "Tops"),
    "Hoodie": ("Sweatshirts",),
    "Outwear": ("Jackets", "Blazers", "Rain Jacket", "Nehru Jackets", "Waistcoat"),
    "Blazer": ("Blazers",),
    "Shirt": ("Shirts",),
    "Blouse": ("Tops", "Shirts"),
    "Top": ("Tops",),
    "Dress": ("Dresses",),
    "Skirt": ("Skirts",),
    "Pants": ("Jeans", "Trousers", "Track Pants", "Capris", "Leggings", "Jeggings"),
    "Shorts": ("Shorts",),
    "Hat": ("Caps", "Hat"),
    "Shoes": (
        *("Casual Shoes", "Sports Shoes", "Formal Shoes", "Heels", "Flats", "Sandals"),
        *("Flip Flops", "Sports Sandals"),
    ),
}
FIGURES = {
    "right_kind": "the share of the five whose article type is correct for the photo's class; 0 "
    "for a photo without results",
    "delta_e": DELTA_E,
    "unanswered": "the share of photos without results",
}


@dataclass(frozen=True)
class StreetPhoto:
    """Holds a photo with its class and the part of the data set that it belongs to."""

    file: str
    label: str
    part: str
    content: bytes


@dataclass(frozen=True)
class Answer:
    """Holds a photo and the products on its results page, as rows of the dataset."""

    photo: StreetPhoto
    rows: list[int]


def read_street_photos(path: Path, part: str = QUERIES) -> list[StreetPhoto]:
    """Read the photos of a ZIP that belong to the part of ``PARTS`` by its labels.csv.

    Raises ``EvaluationError``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(LABELS_FILE).decode("utf-8-sig")
            rows = [row for row in _labels(path, text) if row["part"] == part]
            photos = [
                StreetPhoto(row["file"], row["label"], part, archive.read(row["file"]))
                for row in rows
            ]
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise EvaluationError(
            f"{path} cannot be read: {error}. Name a ZIP that holds {LABELS_FILE} and the photos "
            "that it lists."
        ) from error
    return _with_known_labels(path, part, photos)


def _labels(path: Path, text: str) -> list[dict[str, str]]:
    table = csv.DictReader(StringIO(text))
    missing = [column for column in COLUMNS if column not in (table.fieldnames or ())]
    if missing:
        raise EvaluationError(
            f"{LABELS_FILE} in {path} has no column {missing[0]}; it needs {', '.join(COLUMNS)}."
        )
    return list(table)


def _with_known_labels(path: Path, part: str, photos: Sequence[StreetPhoto]) -> list[StreetPhoto]:
    known = [photo for photo in photos if photo.label in ARTICLE_TYPES]
    if not known:
        raise EvaluationError(
            f"{LABELS_FILE} in {path} lists no photo of the part {part!r} with a label among "
            f"{', '.join(ARTICLE_TYPES)}. Correct its columns part and label."
        )
    return known


def measure_photo_to_catalogue(
    dataset: Dataset, photos: Sequence[StreetPhoto], seed: int, progress: Progress
) -> Results:
    """Search with each photo by the code of its results page and measure the results.

    Raises ``EvaluationError``.
    """
    shop, answers, damaged = match_products(dataset), [], []
    for done, photo in enumerate(photos, 1):
        try:
            answers.append(Answer(photo, shop.rows(photo_results(photo.content))))
        except PictureError:
            damaged.append(photo.file)
        progress("photos", done, len(photos))
    if not answers:
        raise EvaluationError("None of the street photos can be read; save them as JPEG or PNG.")
    figures = _figures(dataset, answers)
    ids = [picture.id for picture in dataset.pictures]
    return {
        "part": photos[0].part,
        "damaged": damaged,
        "classes": _by_class(figures, [answer.photo.label for answer in answers], seed),
        "found": {each.photo.file: [ids[row] for row in each.rows] for each in answers},
        "picture": _draw(dataset, answers, seed),
    }


def _figures(dataset: Dataset, answers: Sequence[Answer]) -> dict[str, list[float]]:
    """Return the values of each figure in the order of the photos."""
    types = dataset.column("article_type")
    colours = colours_of(dataset, [row for answer in answers for row in answer.rows])
    figures: dict[str, list[float]] = {name: [] for name in FIGURES}
    for photo, rows in ((answer.photo, answer.rows) for answer in answers):
        right = np.isin(types[rows], ARTICLE_TYPES[photo.label])
        figures["right_kind"].append(float(right.sum()) / K)
        shown = [colours[row] for row in rows]
        figures["delta_e"].append(mean_difference(colour_of(photo.content), shown))
        figures["unanswered"].append(float(not rows))
    return figures


def _by_class(figures: dict[str, list[float]], labels: Sequence[str], seed: int) -> list[Results]:
    """Return the means of each class, lowest first, and those of all photos last."""
    names = np.array(labels)
    rows = [
        {"class": label, **_means(figures, names == label, seed)} for label in sorted(set(labels))
    ]
    rows.sort(key=lambda row: row["right_kind"].estimate.value)
    return [*rows, {"class": "all", **_means(figures, np.ones(len(names), bool), seed)}]


def _means(figures: dict[str, list[float]], chosen: NDArray[np.bool_], seed: int) -> Results:
    return {
        name: mean_of_known(np.array(values)[chosen].tolist(), seed)
        for name, values in figures.items()
    }


def _draw(dataset: Dataset, answers: Sequence[Answer], seed: int) -> bytes:
    pictures = dataset.pictures
    return draw_sheet(
        Example(answer.photo.label, answer.photo.content, [pictures[r].read() for r in answer.rows])
        for answer in sample_queries(answers, seed)
    )
