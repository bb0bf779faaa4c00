"""Measure whether a crop of a photo finds what the whole photo does not.

Each photo is put beside a photo of another class. Queries are the whole picture, the crop of the
first garment, the same crop with inexact edges, and the crop of the other garment, all cropped as
photo search crops them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recommender.evaluation.datasets import (
    PHOTO_CLASS,
    Dataset,
    K,
    LabelledPicture,
    Progress,
    keep_readable,
)
from recommender.evaluation.metrics import estimate, precisions
from recommender.evaluation.vectorizers import Vectorizer, Vectors
from recommender.evaluation.vectors import vectors_of
from recommender.photo_search.crops import MIN_PIXELS, Region
from recommender.photo_search.photos import sanitise
from recommender.training.measuring import nearest_indices

Results = dict[str, Any]
Values = NDArray[np.float64]

ALONE, WHOLE, RIGHT, ROUGH, OTHER = "alone", "whole", "right_crop", "rough_crop", "other_crop"
VARIANTS = {
    ALONE: "the photo before it was put beside another",
    WHOLE: "the whole photo of two garments",
    RIGHT: "the crop of the first garment",
    ROUGH: "the same crop, each edge off by up to 10 % of its width or height",
    OTHER: "the crop of the other garment",
}
ROUGHNESS = 0.1
HEIGHT = 360
GAP = 12


@dataclass(frozen=True)
class Pair:
    """Holds two photos to show side by side; the query is for the garment of the ``first``."""

    first: LabelledPicture
    second: LabelledPicture
    mirrored: bool
    shifts: tuple[float, ...]

    def draw(self) -> tuple[bytes, tuple[Region, Region]]:
        """Return a JPEG of both photos side by side, and the region that each photo has in it."""
        contents = (self.first.read(), self.second.read())
        pictures = [_scaled(Image.open(BytesIO(content)).convert("RGB")) for content in contents]
        placed = pictures[::-1] if self.mirrored else pictures
        width = sum(each.width for each in placed) + GAP
        both = Image.new("RGB", (width, HEIGHT), "white")
        both.paste(placed[0], (0, 0))
        both.paste(placed[1], (placed[0].width + GAP, 0))
        buffer = BytesIO()
        both.save(buffer, "JPEG", quality=92)
        left = Region(0, 0, placed[0].width / width, 1)
        right = Region((placed[0].width + GAP) / width, 0, 1, 1)
        return buffer.getvalue(), ((right, left) if self.mirrored else (left, right))

    def content(self, variant: str) -> bytes:
        """Return the picture to search with in this variant."""
        photo, (first, second) = self.draw()
        if variant == WHOLE:
            return sanitise(photo).jpeg
        if variant == ROUGH:
            first = _shifted(first, self.shifts)
        return sanitise(photo, second if variant == OTHER else first).jpeg


def make_pairs(dataset: Dataset, seed: int) -> list[Pair]:
    """Return a pair for each query, in order; the seed chooses the photo of another class."""
    rng = np.random.default_rng([seed, 3])
    queries = [dataset.pictures[row] for row in dataset.queries]
    pairs = []
    for query in queries:
        wanted = query.labels[PHOTO_CLASS]
        others = [each for each in queries if each.labels[PHOTO_CLASS] != wanted]
        second = others[int(rng.integers(len(others)))]
        shifts = tuple(rng.uniform(-ROUGHNESS, ROUGHNESS, 4).tolist())
        pairs.append(Pair(query, second, bool(rng.random() < 0.5), shifts))
    return pairs


def measure_crops(
    dataset: Dataset, vectorizers: Sequence[Vectorizer], seed: int, progress: Progress
) -> Results | None:
    """Measure P@5 by class for each vectorizer and variant, and what cropping gains.

    Returns ``None`` if all photos are of one class.
    """
    if len({dataset.pictures[row].labels[PHOTO_CLASS] for row in dataset.queries}) < 2:
        return None
    pairs = make_pairs(dataset, seed)
    photos = [vectors_of(vectorizer, dataset.pictures, progress) for vectorizer in vectorizers]
    right = [{ALONE: _right(each[dataset.queries], each, dataset)} for each in photos]
    for variant in list(VARIANTS)[1:]:
        pictures, _ = keep_readable(_queries(pairs, variant), progress)
        for vectorizer, gallery, values in zip(vectorizers, photos, right, strict=True):
            queries = vectors_of(vectorizer, pictures, progress)
            values[variant] = _right(queries, gallery, dataset)
    return {
        vectorizer.name: _estimates(values, seed)
        for vectorizer, values in zip(vectorizers, right, strict=True)
    }


def _right(queries: Vectors, photos: Vectors, dataset: Dataset) -> Values:
    """Return, for each query, the share of its five results with the first garment's class."""
    found = dataset.gallery[nearest_indices(queries, photos[dataset.gallery], K)]
    labels = dataset.column(PHOTO_CLASS)
    return precisions(labels[found] == labels[dataset.queries][:, None])


def _estimates(values: dict[str, Values], seed: int) -> Results:
    return {variant: estimate(each, seed) for variant, each in values.items()} | {
        f"{crop}_minus_whole": estimate(values[crop] - values[WHOLE], seed)
        for crop in (RIGHT, ROUGH)
    }


def _queries(pairs: list[Pair], variant: str) -> list[LabelledPicture]:
    return [
        LabelledPicture(pair.first.id, pair.first.labels, partial(bytes, pair.content(variant)))
        for pair in pairs
    ]


def _scaled(image: Image.Image) -> Image.Image:
    """Scale a photo to ``HEIGHT``; widen a narrow one, because a region has a minimum width."""
    width = max(4 * MIN_PIXELS, round(image.width * HEIGHT / image.height))
    return image.resize((width, HEIGHT))


def _shifted(region: Region, shifts: tuple[float, ...]) -> Region:
    """Move each edge by its share of the region's size, but not out of the picture."""
    width, height = region.right - region.left, region.bottom - region.top
    moved = (
        region.left + shifts[0] * width,
        region.top + shifts[1] * height,
        region.right + shifts[2] * width,
        region.bottom + shifts[3] * height,
    )
    return Region(*(min(1.0, max(0.0, edge)) for edge in moved))
