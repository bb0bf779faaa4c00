"""Cut the garment out of a photo."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_SIDE = 160
# Width of the border that is taken for background, as a share of the shorter side.
BORDER = 0.04
GRABCUT_ITERATIONS = 4
# A mask that covers a smaller or larger share of the photo has missed the garment.
MIN_COVERED, MAX_COVERED = 0.05, 0.9


def small_rgb(image: Image.Image) -> Image.Image:
    """Return the image scaled down to ``MAX_SIDE``, or the same object if it is small enough."""
    if image.mode == "RGB" and max(image.size) <= MAX_SIDE:
        return image
    image = image.convert("RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return image


def cut_out(image: Image.Image) -> Image.Image:
    """Return the garment, scaled down, on a white background and cropped to its outline's bounds.

    If GrabCut fails, returns the whole photo, scaled down. The network was trained on cut-outs
    that were made in the same way.
    """
    image = small_rgb(image)
    pixels = np.asarray(image)
    garment = _garment_mask(pixels)
    if not MIN_COVERED < garment.mean() < MAX_COVERED:
        return image
    rows, columns = np.flatnonzero(garment.any(1)), np.flatnonzero(garment.any(0))
    on_white = np.where(garment[..., None], pixels, 255).astype(np.uint8)
    cropped = on_white[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Image.fromarray(cropped)


def _garment_mask(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return GrabCut's mask of the garment; the photo's border counts as background.

    All values are False if GrabCut fails. They are False for a photo of one colour, too: GrabCut is
    not run on it, because that would take up to 10 s.
    """
    empty = np.zeros(pixels.shape[:2], bool)
    edge = max(2, int(BORDER * min(empty.shape)))
    inside = pixels[edge:-edge, edge:-edge].reshape(-1, 3)
    if not len(inside) or (inside == inside[0]).all():
        return empty
    mask = np.full(empty.shape, cv2.GC_BGD, np.uint8)
    mask[edge:-edge, edge:-edge] = cv2.GC_PR_FGD
    cv2.setRNGSeed(1)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = np.ascontiguousarray(pixels[:, :, ::-1])
    try:
        # The rectangle is required but ignored, because a mask is given.
        cv2.grabCut(
            bgr,
            mask,
            (0, 0, 1, 1),
            background,
            foreground,
            GRABCUT_ITERATIONS,
            cv2.GC_INIT_WITH_MASK,
        )
    except cv2.error:
        return empty
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
