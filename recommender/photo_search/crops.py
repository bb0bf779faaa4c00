"""A part of a picture to search with.

A region is four fractions of the picture's width and height: left, top, right, bottom. Which part
is meant is the shopper's choice: suggestions by saliency were tried and left out (docs/quality).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from io import BytesIO

from django.utils.translation import gettext as _

from shop.catalogue.images.pictures import open_stored, translate_errors

# Less than this share of a side, or fewer pixels, shows too little of a garment.
MIN_SHARE = 0.05
MIN_PIXELS = 16


class RegionError(ValueError):
    """This is no region of the picture; the message says why."""


@dataclass(frozen=True)
class Region:
    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Region:
        """``"0.1,0.2,0.8,0.9"``; raises ``RegionError``."""
        try:
            left, top, right, bottom = (float(part) for part in text[:100].split(","))
        except ValueError:
            raise RegionError(_("A region is four numbers: left, top, right, bottom.")) from None
        if not all(0 <= value <= 1 for value in (left, top, right, bottom)):
            raise RegionError(_("A region does not reach beyond the picture."))
        # Fractions are rounded by browsers: 5 % may arrive as 4.99999 %.
        if right - left < MIN_SHARE - 1e-6 or bottom - top < MIN_SHARE - 1e-6:
            raise RegionError(_("The region is too small. Choose a larger part."))
        return cls(left, top, right, bottom)

    def __str__(self) -> str:
        return ",".join(f"{value:.4g}" for value in astuple(self))


def cut(content: bytes, region: Region) -> bytes:
    """Return the region of a stored, upright picture, as PNG.

    Raises ``RegionError``, or ``PictureError`` where the picture cannot be read.
    """
    with translate_errors(content):
        image = open_stored(content).convert("RGB")
    width, height = image.size
    left, right = round(region.left * width), round(region.right * width)
    top, bottom = round(region.top * height), round(region.bottom * height)
    if right - left < MIN_PIXELS or bottom - top < MIN_PIXELS:
        raise RegionError(_("The region is too small. Choose a larger part."))
    buffer = BytesIO()
    image.crop((left, top, right, bottom)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
