"""Fit pictures into the squares that networks see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Resampling = Image.Resampling


def fit(image: Image.Image, side: int, shrink: Resampling = Resampling.LANCZOS) -> Pixels:
    """Return the whole picture in the middle of a white square: (side, side, 3), 0 to 255, RGB.

    Bicubic when it grows, ``shrink`` when it shrinks, as each network's manifest says.
    """
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    resized = image.resize(size, Resampling.BICUBIC if scale > 1 else shrink)
    square = Image.new("RGB", (side, side), "white")
    square.paste(resized, ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(square)
