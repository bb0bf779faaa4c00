"""Write picture files that are crafted to take long, or are broken in one place."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

from PIL import Image

from tests.factories import picture_bytes

BROKEN_EXIF = {"junk": b"Exif\0\0junkjunk", "short": b"Exif\0\0II*\0"}


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return the image as a file of this kind."""
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scans(count: int, size: tuple[int, int] = (60, 80)) -> bytes:
    """Return a progressive JPEG whose last scan is repeated until there are so many."""
    data = picture_bytes(size=size, progressive=True)
    last, end = data.rfind(b"\xff\xda"), len(data) - 2
    missing = count - data.count(b"\xff\xda")
    return data[:end] + data[last:end] * missing + data[end:]


def segment(marker: int, content: bytes = b"") -> bytes:
    """Return one segment of a JPEG."""
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def segments(count: int) -> bytes:
    """Return a JPEG with so many empty comments before its picture."""
    data = picture_bytes()
    return data[:2] + segment(0xFE) * count + data[2:]


def chunks(count: int) -> bytes:
    """Return a PNG with so many empty private chunks before its picture."""
    data = picture_bytes(kind="PNG")
    at = data.find(b"IDAT") - 4
    chunk = bytes(4) + b"prIv" + zlib.crc32(b"prIv").to_bytes(4, "big")
    return data[:at] + chunk * count + data[at:]


def with_exif(kind: str, exif: bytes) -> bytes:
    """Return a red picture whose EXIF block is ``exif``, whatever that is."""
    if kind == "JPEG":
        data = picture_bytes("red")
        return data[:20] + segment(0xE1, exif) + data[20:]
    if kind == "AVIF":  # Pillow writes no broken one
        good = Image.Exif()
        good[0x010E] = "x"
        content = good.tobytes()[6:]
        broken = exif[6:].ljust(len(content), b"-")[: len(content)]
        return picture_bytes("red", kind=kind, exif=good).replace(content, broken)
    return picture_bytes("red", kind=kind, exif=exif)
