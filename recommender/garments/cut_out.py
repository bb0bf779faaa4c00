"""Cut the garment out of a photo."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_SIDE = 160
# Share of the shorter side, on each edge, that is taken for background.
BORDER = 0.04
ROUNDS = 4
# A mask that covers less or more of the photo than this has missed the garment.
LEAST_COVERED, MOST_COVERED = 0.05, 0.9


def small_rgb(image: Image.Image) -> Image.Image:
    """Return a copy that fits into ``MAX_SIDE``, or the very image if it does already."""
    if image.mode == "RGB" and max(image.size) <= MAX_SIDE:
        return image
    image = image.convert("RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return image


def cut_out(image: Image.Image) -> Image.Image:
    """Return the garment on white, cropped to it; the unchanged photo where GrabCut fails.

    The same steps made the cut-outs that the network learned from, at most 160 px a side.
    """
    image = small_rgb(image)
    pixels = np.asarray(image)
    garment = _garment_mask(pixels)
    if not LEAST_COVERED < garment.mean() < MOST_COVERED:
        return image
    rows, columns = np.flatnonzero(garment.any(1)), np.flatnonzero(garment.any(0))
    on_white = np.where(garment[..., None], pixels, 255).astype(np.uint8)
    cropped = on_white[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Image.fromarray(cropped)


def _garment_mask(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Run GrabCut with the photo's border as background; all False where it fails.

    It is not asked about a surface of one colour, which would take it up to 10 s.
    """
    nothing = np.zeros(pixels.shape[:2], bool)
    edge = max(2, int(BORDER * min(nothing.shape)))
    inside = pixels[edge:-edge, edge:-edge].reshape(-1, 3)
    if not len(inside) or (inside == inside[0]).all():
        return nothing
    mask = np.full(nothing.shape, cv2.GC_BGD, np.uint8)
    mask[edge:-edge, edge:-edge] = cv2.GC_PR_FGD
    cv2.setRNGSeed(1)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = np.ascontiguousarray(pixels[:, :, ::-1])
    try:
        # The rectangle is not used where a mask is given.
        cv2.grabCut(bgr, mask, (0, 0, 1, 1), background, foreground, ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return nothing
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
