"""Augment catalogue pictures so that they resemble photos taken with a phone."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recommender.garments.letterbox import Pixels

NEAR_WHITE = 240
# Share of the picture's edge that must be near-white for its background to be replaced.
WHITE_EDGE = 0.6
# Probability that a near-white background is replaced.
REPLACED = 0.3
SCALES = (0.75, 1.25)
DEGREES = 10
SHIFT = 0.08


def augment(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Return a picture (side, side, 3) with random changes of position, light and background."""
    moved = move(picture, rng)
    if rng.random() < REPLACED:
        moved = replace_background(moved, rng)
    return light(moved, rng)


def move(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Scale, rotate, shift and mirror a picture at random; fill uncovered areas with white."""
    side = len(picture)
    scale, angle = rng.uniform(*SCALES), radians(rng.uniform(-DEGREES, DEGREES))
    across, down = rng.uniform(-SHIFT, SHIFT, 2) * side
    mirror = -1 if rng.random() < 0.5 else 1
    a, b = mirror * cos(angle) / scale, mirror * sin(angle) / scale
    d, e = -sin(angle) / scale, cos(angle) / scale
    middle = side / 2
    c = middle - a * (middle + across) - b * (middle + down)
    f = middle - d * (middle + across) - e * (middle + down)
    image = Image.fromarray(np.asarray(picture)).transform(
        (side, side),
        Image.Transform.AFFINE,
        (a, b, c, d, e, f),
        Image.Resampling.BICUBIC,
        fillcolor=(255, 255, 255),
    )
    return np.asarray(image)


def replace_background(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Replace a near-white background by a random scene.

    Other backgrounds are kept, and so is white clothing enclosed by something darker.
    """
    outside = find_background(picture)
    edge = np.concatenate([outside[0], outside[-1], outside[:, 0], outside[:, -1]])
    if edge.mean() < WHITE_EDGE:
        return picture
    return np.where(outside[..., None], _scene(len(picture), rng), picture)


def find_background(picture: Pixels) -> NDArray[np.bool_]:
    """Return the mask (side, side) of pixels that a straight near-white line joins to an edge."""
    white = picture.min(axis=2) >= NEAR_WHITE
    seen = [
        np.flip(np.logical_and.accumulate(np.flip(white, axes), axis), axes)
        for axis in (0, 1)
        for axes in ((), (axis,))
    ]
    found: NDArray[np.bool_] = np.logical_or.reduce(seen)
    return found


def _scene(side: int, rng: np.random.Generator) -> Pixels:
    """Draw soft patches of related colours with grain, like a wall or a street out of focus."""
    cells = int(rng.integers(1, 7))
    base = rng.uniform(20, 235, 3)
    patches = base + rng.normal(0, 35, (cells, cells, 3))
    small = Image.fromarray(patches.clip(0, 255).astype(np.uint8))
    wide = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
    grain = rng.normal(0, rng.uniform(0, 12), (side, side, 1))
    return np.asarray((wide + grain).clip(0, 255), dtype=np.uint8)


def light(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Change brightness, contrast and white balance, so little that colours keep their names."""
    values = picture.astype(np.float32) / 255
    contrast, gamma = rng.uniform(0.85, 1.15), rng.uniform(0.8, 1.25)
    cast = rng.uniform(0.95, 1.05, 3) * rng.uniform(0.85, 1.1)
    values = (values**gamma * cast - 0.5) * contrast + 0.5
    return np.asarray((values * 255).round().clip(0, 255), dtype=np.uint8)
