from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from recommender.garments.colour import garment_colour, has_white_border
from recommender.garments.cut_out import cut_out
from tests.factories import GARMENT_COLOUR, garment_on_floor

RED = (255, 0, 0)
# CIE Lab, lightness halved.
RED_COLOUR = [53.24 / 2, 80.09, 67.20]


def _picture(garment, background, size=(60, 80), box=(15, 20, 45, 60)) -> Image.Image:
    image = Image.new("RGB", size, background)
    ImageDraw.Draw(image).rectangle(box, garment)
    return image


@pytest.mark.parametrize("size", [(60, 80), (600, 800)])
def test_white_around_a_garment_is_ignored(size: tuple[int, int]) -> None:
    scale = size[0] // 60
    image = _picture(RED, "white", size, tuple(scale * edge for edge in (15, 20, 45, 60)))
    assert garment_colour(image) == pytest.approx(RED_COLOUR, abs=0.1)
    assert image.size == size


def test_a_white_garment_is_white() -> None:
    assert garment_colour(Image.new("RGB", (60, 80), "white")) == pytest.approx([50, 0, 0], abs=0.1)


def test_dark_and_bright_differ_by_half_their_lightness() -> None:
    black, grey = (garment_colour(_picture(each, "white")) for each in ("black", (119, 119, 119)))
    assert np.linalg.norm(black - grey) == pytest.approx(25, abs=0.2)


def test_the_background_of_a_photo_is_ignored() -> None:
    photo = garment_on_floor()
    expected = garment_colour(_picture(GARMENT_COLOUR, "white"))
    assert not has_white_border(photo)
    assert garment_colour(photo) == pytest.approx(expected, abs=1)


def test_a_garment_is_cut_out_on_white_and_cropped() -> None:
    cut = cut_out(garment_on_floor())
    # The garment covers 101 of 240 by 141 of 300 pixels; GrabCut keeps a little around it.
    assert 53 <= cut.width < 64
    assert 75 <= cut.height < 86
    assert cut.getpixel((cut.width // 2, cut.height // 2)) == GARMENT_COLOUR
    assert cut.tobytes() == cut_out(garment_on_floor()).tobytes()


@pytest.mark.parametrize("size", [(1, 1), (4, 3), (300, 200)])
def test_a_photo_of_one_colour_is_not_cut_out(size: tuple[int, int]) -> None:
    photo = Image.new("RGB", size, RED)
    assert garment_colour(photo) == pytest.approx(RED_COLOUR, abs=0.1)
    assert (np.asarray(cut_out(photo)) == RED).all()
