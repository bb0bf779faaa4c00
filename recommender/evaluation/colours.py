"""Measure colour differences between the garments of pictures."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

import numpy as np
from PIL import Image

from recommender.evaluation.datasets import Dataset
from recommender.garments.colour import Colour, garment_colour
from shop.catalogue.images.conversion import upright_rgb

DELTA_E = (
    "mean distance between the colour of the query's garment and that of each of the five; the "
    "colour is the median in CIE Lab, lightness halved, of pixels that are not near-white, of the "
    "cut-out (GrabCut) where the picture's border is not white"
)


def colour_of(content: bytes) -> Colour:
    """Return the colour of the garment in an encoded picture."""
    return garment_colour(upright_rgb(Image.open(BytesIO(content))))


def colours_of(dataset: Dataset, rows: Iterable[int]) -> dict[int, Colour]:
    """Return the garment colours of these rows of a dataset, by row."""
    return {row: colour_of(dataset.pictures[row].read()) for row in set(rows)}


def mean_difference(colour: Colour, others: list[Colour]) -> float:
    """Return the mean ΔE between a colour and the others; NaN if there are none."""
    if not others:
        return float("nan")
    return float(np.linalg.norm(np.stack(others) - colour, axis=1).mean())
