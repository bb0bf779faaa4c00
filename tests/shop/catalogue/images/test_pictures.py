"""Uploaded pictures are stored as upright sRGB JPEGs without metadata."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from shop.catalogue.images.pictures import Picture, PictureError, read_picture
from tests.factories import picture_bytes
from tests.shop.catalogue.images.crafted import BROKEN_EXIF, saved, with_exif

JFIF = picture_bytes(size=(40, 30))
THUMBNAIL = b"\xff\xe0" + (10).to_bytes(2, "big") + b"JFXX\0\x13\x01\x01"


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
def test_everything_in_a_jpeg_but_the_picture_is_dropped(data: bytes) -> None:
    jpeg = read_picture(data).jpeg
    assert jpeg != data
    assert jpeg.find(b"\xff\xd9") == len(jpeg) - 2
    assert jpeg.count(b"\xff\xe0") == 1
    assert b"secret" not in jpeg
    assert Image.open(BytesIO(jpeg)).size == (40, 30)


def test_large_pictures_of_any_mode_are_resized() -> None:
    clear = Image.new("RGBA", (300, 200), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (150, 0, 300, 200))
    for image in (clear, clear.convert("LA"), clear.quantize()):
        picture = read_picture(saved(image), max_side=150)
        assert picture.image.size == (150, 100)
        assert _colour(picture, (20, 50)) == (255, 255, 255)
    assert _colour(picture, (120, 50)) == (0, 0, 255)


def test_a_transparent_colour_becomes_white_when_resized() -> None:
    image = Image.new("RGB", (300, 200), (0, 255, 0))
    picture = read_picture(saved(image, transparency=(0, 255, 0)), max_side=150)
    assert _colour(picture, (20, 50)) == (255, 255, 255)


def test_16_bits_become_8_when_resized() -> None:
    values = np.full((200, 300), 65535 // 2, np.uint16)
    values[:, 150:] = 65535
    picture = read_picture(saved(Image.fromarray(values)), max_side=150)
    assert picture.image.size == (150, 100)
    assert _colour(picture, (20, 50)) == (127, 127, 127)
    assert _colour(picture, (120, 50)) == (255, 255, 255)


def test_a_large_jpeg_is_resized_and_rotated() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (1600, 800), "white")
    image.paste("red", (0, 0, 800, 800))
    picture = read_picture(saved(image, "JPEG", exif=exif), max_side=200)
    assert picture.image.size == (100, 200)
    assert _colour(picture, (50, 20))[1] < 10
    assert _colour(picture, (50, 180)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
@pytest.mark.parametrize("broken", BROKEN_EXIF)
def test_a_good_picture_with_broken_exif_is_accepted(kind: str, broken: str) -> None:
    data = with_exif(kind, BROKEN_EXIF[broken])
    assert BROKEN_EXIF[broken][6:] in data
    picture = read_picture(data)
    assert picture.image.size == (60, 80)
    assert _colour(picture, (30, 40))[0] > 240
    assert BROKEN_EXIF[broken][6:] not in picture.jpeg


def test_a_broken_colour_profile_is_ignored() -> None:
    picture = read_picture(picture_bytes("red", kind="PNG", icc_profile=b"junk" * 50))
    assert _colour(picture, (30, 40))[0] > 240


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.slow
def test_a_file_with_any_wrong_byte_is_read_or_refused(kind: str) -> None:
    complete = picture_bytes("red", kind=kind)
    # Fewer for formats that a child reads, because each child takes 0.3 s.
    step = 1 if kind in {"JPEG", "PNG", "WEBP", "BMP"} else max(1, len(complete) // 6)
    for at in range(0, min(len(complete), 600), step):
        for data in (complete[:at], complete[:at] + b"\xff" + complete[at + 1 :]):
            with suppress(PictureError):
                assert max(read_picture(data).image.size) <= 2400


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_only_its_end_marker_is_accepted(progressive: bool) -> None:
    image = Image.effect_noise((300, 200), 60).convert("RGB")
    data = saved(image, "JPEG", progressive=progressive)
    for sent in (data[:-2], data[:-1]):
        picture = read_picture(sent)
        assert np.abs(np.asarray(picture.image, int) - np.asarray(image, int)).max() < 80
        assert picture.jpeg.endswith(b"\xff\xd9")
    for lost in (20, 200, len(data) // 2):
        with pytest.raises(PictureError, match="damaged or incomplete"):
            read_picture(data[:-lost])


def test_dark_16_bit_pictures_stay_dark() -> None:
    picture = read_picture(saved(Image.fromarray(np.full((80, 60), 200, np.uint16))))
    assert _colour(picture, (30, 40)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("garment", "ground"),
    [("white", (200, 200, 200)), ("#f4f4f4", (200, 200, 200)), ("#c0c0c0", (255, 255, 255))],
)
def test_a_transparent_white_garment_gets_a_grey_background(
    garment: str, ground: tuple[int, int, int]
) -> None:
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    image.paste(garment, (50, 50, 150, 150))
    picture = read_picture(saved(image))
    assert _colour(picture, (10, 10)) == ground
    assert _colour(picture, (100, 100))[0] in {255, 244, 192}
