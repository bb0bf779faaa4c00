"""A file with too many scans, segments or chunks is refused before decoding."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from shop.catalogue.images.pictures import PictureError, open_stored, read_picture
from shop.catalogue.images.structure import MAX_CHUNKS, MAX_JUNK, MAX_SCANS, MAX_SEGMENTS
from tests.factories import picture_bytes
from tests.shop.catalogue.images.crafted import chunks, scans, segment, segments

JPEG = picture_bytes()
SCAN = scans(MAX_SCANS)
TOO_LONG = "This image takes too long to read"


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where Pillow opens a file."""

    def opened(*args: Any, **options: Any) -> None:
        raise AssertionError("Pillow opened the file.")

    monkeypatch.setattr(Image, "open", opened)


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("read", [read_picture, open_stored])
@pytest.mark.parametrize(
    "data",
    [
        scans(MAX_SCANS + 1),
        scans(2000),
        scans(MAX_SCANS + 1)[:-2],
        SCAN[:2] + segment(0xE1, b"x") + SCAN[2:-2] + SCAN[SCAN.rfind(b"\xff\xda") :],
        segments(MAX_SEGMENTS),
        JPEG[:20] + bytes(MAX_JUNK + 1) + JPEG[20:],
        JPEG[:20] + b"\xff" * (MAX_JUNK + 2) + JPEG[20:],
        chunks(MAX_CHUNKS),
    ],
    ids=[
        *("one scan too many", "2,000 scans", "scans without an end", "scans behind a segment"),
        *("segments", "zeros", "fill bytes", "PNG chunks"),
    ],
)
def test_too_many_parts_are_refused_before_decoding(read: Any, data: bytes) -> None:
    with pytest.raises(PictureError, match=TOO_LONG):
        read(data)


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("marker", [0x01, 0x02, 0xBF, 0xD8])
def test_an_invalid_marker_cannot_hide_scans(marker: int) -> None:
    at = SCAN.rfind(b"\xff\xda")
    hidden = segment(marker, SCAN[at:-2])
    with pytest.raises(PictureError, match="damaged or incomplete"):
        read_picture(SCAN[:-2] + hidden + SCAN[-2:])


@pytest.mark.parametrize(
    "data",
    [scans(MAX_SCANS), segments(MAX_SEGMENTS - 20), chunks(MAX_CHUNKS - 10)],
    ids=["scans", "segments", "PNG chunks"],
)
def test_as_many_parts_as_allowed_are_read(data: bytes) -> None:
    picture = read_picture(data)
    assert Image.open(io.BytesIO(picture.jpeg)).size == (60, 80)


def test_a_plain_progressive_jpeg_keeps_its_bytes() -> None:
    data = picture_bytes(progressive=True)
    assert read_picture(data).jpeg == data


JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
ADOBE = segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    "added",
    [
        segment(0xFE, b"secret"),
        segment(0xE1, b"Exif\0\0secret"),
        segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0secret"),
        segment(0xE0, b"JFXX\0\x13\1\1secret"),
        segment(0xE2, b"MPF\0secret"),
        segment(0xED, b"Photoshop 3.0\0secret"),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\1secret"),
        segment(0xEF, b"secret"),
        JFIF,
    ],
    ids=["COM", "APP1", "spare JFIF", "JFXX", "APP2", "APP13", "spare Adobe", "APP15", "JFIF"],
)
def test_metadata_in_any_place_is_dropped(progressive: bool, added: bytes) -> None:
    data = picture_bytes(size=(40, 30), progressive=progressive)
    places = marker_places(data)
    assert len(places) > (20 if progressive else 10)
    for at in places:
        carried = data[:at] + added + data[at:]
        jpeg = read_picture(carried).jpeg
        assert jpeg != carried
        assert b"secret" not in jpeg
        assert jpeg.count(b"JFIF") == 1
        assert read_picture(jpeg).jpeg == jpeg


def marker_places(data: bytes) -> list[int]:
    """Return where each segment begins, and where the file ends."""
    places, at = [], 2
    while data[at : at + 2] != b"\xff\xd9":
        places.append(at)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        while data[at] != 0xFF or data[at + 1] == 0:
            at += 1
    return [*places, at, len(data)]


def test_one_adobe_segment_is_kept() -> None:
    # Without JFIF it says that the colours are YCbCr, as they are with it.
    data = JPEG[:2] + ADOBE + JPEG[20:]
    assert read_picture(data).jpeg == data
