"""Whether the part that a shopper draws finds what the whole photo does not.

Each photo gets a second garment of another class beside it. Searched with are the whole, the part
that shows the first garment, the same part drawn roughly, and the part that shows the other one;
all of them cut as the photo page cuts them.
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
    COUNT,
    PHOTO_CLASS,
    Collection,
    Picture,
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

ALONE, WHOLE, RIGHT, ROUGH, OTHER = "alone", "whole", "right_part", "rough_part", "other_part"
VARIANTS = {
    ALONE: "the photo before the second garment was put beside it",
    WHOLE: "the whole photo of two garments",
    RIGHT: "the part that shows the garment",
    ROUGH: "the same part, each edge off by up to 10 % of it",
    OTHER: "the part that shows the other garment",
}
ROUGHNESS = 0.1
HEIGHT = 360
GAP = 12


@dataclass(frozen=True)
class Pair:
    """Two photos side by side; the ``first`` is the one that is meant."""

    first: Picture
    second: Picture
    mirrored: bool
    shifts: tuple[float, ...]

    def draw(self) -> tuple[bytes, tuple[Region, Region]]:
        """A JPEG, and where in it the two are."""
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
        """What is searched with."""
        photo, (meant, other) = self.draw()
        if variant == WHOLE:
            return sanitise(photo).jpeg
        if variant == ROUGH:
            meant = _shifted(meant, self.shifts)
        return sanitise(photo, other if variant == OTHER else meant).jpeg


def make_pairs(collection: Collection, seed: int) -> list[Pair]:
    """One for each query, in their order; the second garment is another query's, by the seed."""
    rng = np.random.default_rng([seed, 3])
    queries = [collection.pictures[row] for row in collection.queries]
    pairs = []
    for query in queries:
        wanted = query.labels[PHOTO_CLASS]
        others = [each for each in queries if each.labels[PHOTO_CLASS] != wanted]
        second = others[int(rng.integers(len(others)))]
        shifts = tuple(rng.uniform(-ROUGHNESS, ROUGHNESS, 4).tolist())
        pairs.append(Pair(query, second, bool(rng.random() < 0.5), shifts))
    return pairs


def measure_parts(
    collection: Collection, vectorizers: Sequence[Vectorizer], seed: int, progress: Progress
) -> Results | None:
    """Measure P@5 of the class for each vectorizer and variant, and what the part gains.

    ``None`` if all photos are of one class.
    """
    if len({collection.pictures[row].labels[PHOTO_CLASS] for row in collection.queries}) < 2:
        return None
    pairs = make_pairs(collection, seed)
    photos = [vectors_of(vectorizer, collection.pictures, progress) for vectorizer in vectorizers]
    right = [{ALONE: _right(each[collection.queries], each, collection)} for each in photos]
    for variant in list(VARIANTS)[1:]:
        pictures, _ = keep_readable(_searched(pairs, variant), progress)
        for vectorizer, gallery, values in zip(vectorizers, photos, right, strict=True):
            queries = vectors_of(vectorizer, pictures, progress)
            values[variant] = _right(queries, gallery, collection)
    return {
        vectorizer.name: _estimates(values, seed)
        for vectorizer, values in zip(vectorizers, right, strict=True)
    }


def _right(queries: Vectors, photos: Vectors, collection: Collection) -> Values:
    """(queries,): which share of the five has the class of the garment that is meant."""
    found = collection.gallery[nearest_indices(queries, photos[collection.gallery], COUNT)]
    labels = collection.column(PHOTO_CLASS)
    return precisions(labels[found] == labels[collection.queries][:, None])


def _estimates(values: dict[str, Values], seed: int) -> Results:
    return {variant: estimate(each, seed) for variant, each in values.items()} | {
        f"{part}_minus_whole": estimate(values[part] - values[WHOLE], seed)
        for part in (RIGHT, ROUGH)
    }


def _searched(pairs: list[Pair], variant: str) -> list[Picture]:
    return [
        Picture(pair.first.id, pair.first.labels, partial(bytes, pair.content(variant)))
        for pair in pairs
    ]


def _scaled(image: Image.Image) -> Image.Image:
    """As high as the other one; however narrow, wide enough to be a region."""
    width = max(4 * MIN_PIXELS, round(image.width * HEIGHT / image.height))
    return image.resize((width, HEIGHT))


def _shifted(region: Region, shifts: tuple[float, ...]) -> Region:
    """Each edge moved by a share of the region, within the picture."""
    width, height = region.right - region.left, region.bottom - region.top
    moved = (
        region.left + shifts[0] * width,
        region.top + shifts[1] * height,
        region.right + shifts[2] * width,
        region.bottom + shifts[3] * height,
    )
    return Region(*(min(1.0, max(0.0, edge)) for edge in moved))
