"""From a picture to the pixels that the network sees, exactly as in training."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shop.catalogue.images.pictures import upright_rgb

Pixels = NDArray[np.uint8]


def fit(image: Image.Image, side: int) -> Pixels:
    """The whole picture in the middle of a white square: (side, side, 3), 0 to 255, RGB.

    Bicubic when it grows, Lanczos when it shrinks: the manifest's ``resize`` and ``resample``.
    """
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    method = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.LANCZOS
    square = Image.new("RGB", (side, side), "white")
    resized = image.resize(size, method)
    square.paste(resized, ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(square)


def decode(content: bytes, side: int) -> Pixels:
    """Stored bytes to pixels. Raises what Pillow raises for a picture that it cannot read."""
    image = Image.open(BytesIO(content))
    # The JPEG decoder skips work when twice the size that is needed is enough.
    image.draft("RGB", (side * 2, side * 2))
    return fit(upright_rgb(image), side)
