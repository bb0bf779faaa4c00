"""Prepare images for the network, exactly as in training, and measure their garment's colour."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from recommender.garments.colour import Colour, garment_colour, has_white_border, median_colour
from recommender.garments.cut_out import cut_out, small_rgb
from recommender.garments.letterbox import Pixels, fit
from shop.catalogue.images.conversion import upright_rgb
from shop.catalogue.images.pictures import open_stored


@dataclass(frozen=True)
class Prepared:
    """Holds the network's input for an image, and the colour of its garment."""

    pixels: Pixels
    colour: Colour


def prepare(content: bytes, side: int) -> Prepared:
    """Prepare a stored image. Raises what Pillow raises for an image that it cannot read."""
    image = _open(content, side)
    return Prepared(fit(image, side), garment_colour(image))


@dataclass(frozen=True)
class PreparedPhoto:
    """Holds the images of a query photo: the whole photo, upright, and its cut-out if found.

    ``views`` are the network's inputs for these images; ``colour`` is that of the last image.
    """

    images: list[Image.Image]
    views: list[Pixels]
    colour: Colour


def prepare_photo(content: bytes, side: int) -> PreparedPhoto:
    """Prepare a query photo. Raises what Pillow raises for an image that it cannot read."""
    image = upright_rgb(open_stored(content))
    small = small_rgb(image)
    images, garment = [image], small
    if not has_white_border(small) and (garment := cut_out(small)) is not small:
        images.append(garment)
    return PreparedPhoto(images, [fit(each, side) for each in images], median_colour(garment))


def decode(content: bytes, side: int) -> Pixels:
    """Return the network's input for an image. Raises what Pillow raises if it is unreadable."""
    return fit(_open(content, side), side)


def _open(content: bytes, side: int) -> Image.Image:
    image = open_stored(content)
    # Lets the JPEG decoder scale down while decoding; twice the input's size keeps the quality.
    image.draft("RGB", (side * 2, side * 2))
    return upright_rgb(image)
