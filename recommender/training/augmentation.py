"""From a catalogue picture to what a phone might have taken of it."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recommender.garments.letterbox import Pixels

NEAR_WHITE = 240
# Of the picture's edge, so that the background counts as a catalogue's.
WHITE_EDGE = 0.6
REPLACED = 0.3
SCALES = (0.75, 1.25)
DEGREES = 10
SHIFT = 0.08


def augment(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """(side, side, 3) to the same shape, 0 to 255: moved, flipped, lit, sometimes elsewhere."""
    moved = move(picture, rng)
    if rng.random() < REPLACED:
        moved = replace_background(moved, rng)
    return light(moved, rng)


def move(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Scaled, turned a little, shifted and mirrored; white comes in from outside."""
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
    """A near-white background becomes a scene; any other stays, and so does white clothing
    that something darker encloses."""
    outside = find_background(picture)
    edge = np.concatenate([outside[0], outside[-1], outside[:, 0], outside[:, -1]])
    if edge.mean() < WHITE_EDGE:
        return picture
    return np.where(outside[..., None], _scene(len(picture), rng), picture)


def find_background(picture: Pixels) -> NDArray[np.bool_]:
    """(side, side): near-white and seen from an edge straight across near-white."""
    white = picture.min(axis=2) >= NEAR_WHITE
    seen = [
        np.flip(np.logical_and.accumulate(np.flip(white, axes), axis), axes)
        for axis in (0, 1)
        for axes in ((), (axis,))
    ]
    found: NDArray[np.bool_] = np.logical_or.reduce(seen)
    return found


def _scene(side: int, rng: np.random.Generator) -> Pixels:
    """Soft patches of a few related colours, and grain: a wall, a floor, a street out of focus."""
    cells = int(rng.integers(1, 7))
    base = rng.uniform(20, 235, 3)
    patches = base + rng.normal(0, 35, (cells, cells, 3))
    small = Image.fromarray(patches.clip(0, 255).astype(np.uint8))
    wide = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
    grain = rng.normal(0, rng.uniform(0, 12), (side, side, 1))
    return np.asarray((wide + grain).clip(0, 255), dtype=np.uint8)


def light(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Brighter or darker, more or less contrast, a cast small enough to leave a colour its name."""
    values = picture.astype(np.float32) / 255
    contrast, gamma = rng.uniform(0.85, 1.15), rng.uniform(0.8, 1.25)
    cast = rng.uniform(0.95, 1.05, 3) * rng.uniform(0.85, 1.1)
    values = (values**gamma * cast - 0.5) * contrast + 0.5
    return np.asarray((values * 255).round().clip(0, 255), dtype=np.uint8)
