"""Crop pictures to search by a detail.

A region is four fractions of the picture's width and height: left, top, right, bottom. The shopper
chooses it, since suggestions by saliency were not good enough (docs/quality).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from io import BytesIO

from django.utils.translation import gettext as _

from shop.catalogue.images.pictures import open_stored, translate_errors

# Smallest width and height of a region, as a share of the picture's and in pixels. Smaller regions
# show too little of a garment.
MIN_SHARE = 0.05
MIN_PIXELS = 16


class RegionError(ValueError):
    """Raised when a region is invalid; the message says why."""


@dataclass(frozen=True)
class Region:
    """Represents a rectangle by fractions of a picture's width and height."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Region:
        """Parse text such as ``"0.1,0.2,0.8,0.9"``. Raises ``RegionError``."""
        try:
            left, top, right, bottom = (float(part) for part in text[:100].split(","))
        except ValueError:
            raise RegionError(_("Enter four numbers: left, top, right, bottom.")) from None
        if not all(0 <= value <= 1 for value in (left, top, right, bottom)):
            raise RegionError(_("The selected area must lie within the image."))
        # The limit has a tolerance, because browsers round: 5 % may be sent as 4.99999 %.
        if right - left < MIN_SHARE - 1e-6 or bottom - top < MIN_SHARE - 1e-6:
            raise RegionError(_("The selected area is too small. Select a larger one."))
        return cls(left, top, right, bottom)

    def __str__(self) -> str:
        return ",".join(f"{value:.4g}" for value in astuple(self))


def crop(content: bytes, region: Region) -> bytes:
    """Crop a stored, upright picture to the region and return it as PNG.

    Raises ``RegionError``, or ``PictureError`` if the picture cannot be read.
    """
    with translate_errors(content):
        image = open_stored(content).convert("RGB")
    width, height = image.size
    left, right = round(region.left * width), round(region.right * width)
    top, bottom = round(region.top * height), round(region.bottom * height)
    if right - left < MIN_PIXELS or bottom - top < MIN_PIXELS:
        raise RegionError(_("The selected area is too small. Select a larger one."))
    buffer = BytesIO()
    image.crop((left, top, right, bottom)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
