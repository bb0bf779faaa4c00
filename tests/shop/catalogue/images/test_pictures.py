"""That what is stored is the picture and nothing else, however large and whatever its colours."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shop.catalogue.images.pictures import Picture, read_picture
from tests.factories import picture_bytes

JFIF = picture_bytes(size=(40, 30))
THUMBNAIL = b"\xff\xe0" + (10).to_bytes(2, "big") + b"JFXX\0\x13\x01\x01"


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _colour(picture: Picture, at: tuple[int, int]) -> tuple[int, ...]:
    value = picture.image.getpixel(at)
    assert isinstance(value, tuple)
    return value


def test_a_plain_jpeg_keeps_its_bytes() -> None:
    assert read_picture(JFIF).jpeg == JFIF


@pytest.mark.parametrize(
    "data",
    [
        JFIF + b"PK\x03\x04 a private note",
        JFIF + picture_bytes("red"),
        JFIF[:20] + THUMBNAIL + JFIF[20:],
        JFIF[:20] + b"\xff\xfe\x00\x08secret" + JFIF[20:],
    ],
    ids=["an archive behind it", "a picture behind it", "a thumbnail", "a comment"],
)
def test_what_a_jpeg_carries_besides_is_dropped(data: bytes) -> None:
    jpeg = read_picture(data).jpeg
    assert jpeg != data
    assert jpeg.find(b"\xff\xd9") == len(jpeg) - 2
    assert jpeg.count(b"\xff\xe0") == 1
    assert b"secret" not in jpeg
    assert Image.open(BytesIO(jpeg)).size == (40, 30)


def test_a_large_picture_becomes_small_whatever_its_mode() -> None:
    clear = Image.new("RGBA", (300, 200), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (150, 0, 300, 200))
    for image in (clear, clear.convert("LA"), clear.quantize()):
        picture = read_picture(saved(image), max_side=150)
        assert picture.image.size == (150, 100)
        assert _colour(picture, (20, 50)) == (255, 255, 255)
    assert _colour(picture, (120, 50)) == (0, 0, 255)


def test_one_transparent_colour_is_white_when_it_is_made_smaller_too() -> None:
    image = Image.new("RGB", (300, 200), (0, 255, 0))
    picture = read_picture(saved(image, transparency=(0, 255, 0)), max_side=150)
    assert _colour(picture, (20, 50)) == (255, 255, 255)


def test_sixteen_bits_become_eight_when_it_is_made_smaller_too() -> None:
    values = np.full((200, 300), 65535 // 2, np.uint16)
    values[:, 150:] = 65535
    picture = read_picture(saved(Image.fromarray(values)), max_side=150)
    assert picture.image.size == (150, 100)
    assert _colour(picture, (20, 50)) == (127, 127, 127)
    assert _colour(picture, (120, 50)) == (255, 255, 255)


def test_a_large_jpeg_is_read_smaller_and_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (1600, 800), "white")
    image.paste("red", (0, 0, 800, 800))
    picture = read_picture(saved(image, "JPEG", exif=exif), max_side=200)
    assert picture.image.size == (100, 200)
    assert _colour(picture, (50, 20))[1] < 10
    assert _colour(picture, (50, 180)) == (255, 255, 255)
