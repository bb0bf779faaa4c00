"""Measure what photos of people's own clothes find in the catalogue."""

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
from recommender.evaluation.contact_sheets import Example, draw_sheet, drawn_by_seed
from recommender.evaluation.datasets import COUNT, QUERIES, Collection, EvaluationError, Progress
from recommender.evaluation.metrics import mean_of_known
from recommender.evaluation.page_answers import match_products, photo_results
from shop.catalogue.images.pictures import PictureError

Results = dict[str, Any]
LABELS_FILE = "labels.csv"
COLUMNS = ("file", "label", "part")
# The article types that count as right for a photo's class.
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
    "right_kind": "those of the five whose article type the photo's class may be, divided by five; "
    "an answer with no products counts 0",
    "delta_e": DELTA_E,
    "unanswered": "share of photos to which the page answers with no products",
}


@dataclass(frozen=True)
class StreetPhoto:
    file: str
    label: str
    content: bytes


@dataclass(frozen=True)
class Answer:
    """``rows``: the products that the page shows, as rows of the collection."""

    photo: StreetPhoto
    rows: list[int]


def read_street_photos(path: Path) -> list[StreetPhoto]:
    """Read the validation photos of a ZIP with labels.csv. Raises ``EvaluationError``."""
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(LABELS_FILE).decode("utf-8-sig")
            wanted = [row for row in _labels(path, text) if row["part"] == QUERIES]
            photos = [StreetPhoto(r["file"], r["label"], archive.read(r["file"])) for r in wanted]
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise EvaluationError(
            f"{path} cannot be read: {error}. Name a ZIP that holds {LABELS_FILE} and the photos "
            "that it lists."
        ) from error
    return _with_known_labels(path, photos)


def _labels(path: Path, text: str) -> list[dict[str, str]]:
    table = csv.DictReader(StringIO(text))
    missing = [column for column in COLUMNS if column not in (table.fieldnames or ())]
    if missing:
        raise EvaluationError(
            f"{LABELS_FILE} in {path} has no column {missing[0]}; it needs {', '.join(COLUMNS)}."
        )
    return list(table)


def _with_known_labels(path: Path, photos: Sequence[StreetPhoto]) -> list[StreetPhoto]:
    known = [photo for photo in photos if photo.label in ARTICLE_TYPES]
    if not known:
        raise EvaluationError(
            f"{LABELS_FILE} in {path} names no photo of the part {QUERIES!r} with a label among "
            f"{', '.join(ARTICLE_TYPES)}. Correct its columns part and label."
        )
    return known


def measure_photo_to_catalogue(
    collection: Collection, photos: Sequence[StreetPhoto], seed: int, progress: Progress
) -> Results:
    """Search the catalogue with each photo, through the code of the results page.

    Raises ``EvaluationError``.
    """
    shop, answers, damaged = match_products(collection), [], []
    for done, photo in enumerate(photos, 1):
        try:
            answers.append(Answer(photo, shop.rows(photo_results(photo.content))))
        except PictureError:
            damaged.append(photo.file)
        progress("photos", done, len(photos))
    if not answers:
        raise EvaluationError("None of the street photos can be read; save them as JPEG or PNG.")
    figures = _figures(collection, answers)
    ids = [picture.id for picture in collection.pictures]
    return {
        "damaged": damaged,
        "classes": _by_class(figures, [answer.photo.label for answer in answers], seed),
        "found": {each.photo.file: [ids[row] for row in each.rows] for each in answers},
        "picture": _draw(collection, answers, seed),
    }


def _figures(collection: Collection, answers: Sequence[Answer]) -> dict[str, list[float]]:
    """Return each figure's values in the photos' order."""
    types = collection.column("article_type")
    colours = colours_of(collection, [row for answer in answers for row in answer.rows])
    figures: dict[str, list[float]] = {name: [] for name in FIGURES}
    for photo, rows in ((answer.photo, answer.rows) for answer in answers):
        right = np.isin(types[rows], ARTICLE_TYPES[photo.label])
        figures["right_kind"].append(float(right.sum()) / COUNT)
        shown = [colours[row] for row in rows]
        figures["delta_e"].append(mean_difference(colour_of(photo.content), shown))
        figures["unanswered"].append(float(not rows))
    return figures


def _by_class(figures: dict[str, list[float]], labels: Sequence[str], seed: int) -> list[Results]:
    """Return the means of each class, the worst first, and of all photos last."""
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


def _draw(collection: Collection, answers: Sequence[Answer], seed: int) -> bytes:
    pictures = collection.pictures
    return draw_sheet(
        Example(answer.photo.label, answer.photo.content, [pictures[r].read() for r in answer.rows])
        for answer in drawn_by_seed(answers, seed)
    )
