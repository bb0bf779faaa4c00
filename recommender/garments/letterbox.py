"""Fit images into the square inputs of networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Resampling = Image.Resampling


def fit(image: Image.Image, side: int, shrink: Resampling = Resampling.LANCZOS) -> Pixels:
    """Return the whole image centred on a white square, as RGB pixels (side, side, 3).

    An image is enlarged by bicubic resampling, and shrunk by the filter ``shrink``, which must be
    that of the network's manifest.
    """
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    resized = image.resize(size, Resampling.BICUBIC if scale > 1 else shrink)
    square = Image.new("RGB", (side, side), "white")
    square.paste(resized, ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(square)
