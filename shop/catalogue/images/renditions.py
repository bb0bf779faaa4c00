"""Create resized WebP renditions of pictures on first request."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from io import BytesIO

from django.core.files.storage import storages
from django.urls import reverse
from PIL import Image

from shop.catalogue.images.conversion import decoding_cost
from shop.catalogue.images.decoding import pixel_budget
from shop.catalogue.images.pictures import open_stored, store_file, translate_errors

WIDTHS = {"card": 360, "page": 840, "zoom": 1680}
QUALITY = {"card": 78, "page": 82, "zoom": 84}
NAME = re.compile(r"\A(?P<stem>[0-9a-f]{64})-(?P<width>\d{1,4})\.webp\Z")


def rendition_widths(width: int) -> list[int]:
    """Return the widths in which a picture of this width is offered, without upscaling."""
    return sorted({min(width, limit) for limit in WIDTHS.values()})


def rendition_name(file: str, width: int) -> str:
    """Return the name of the rendition of an original picture in this width."""
    return f"{file.removesuffix('.jpg')}-{width}.webp"


def original_name(name: str) -> str:
    """Return the name of the original of a rendition; the name of an original stays unchanged."""
    return NAME.sub(r"\g<stem>.jpg", name)


def rendition_url(file: str, width: int) -> str:
    """Return the URL of the rendition of an original picture in this width."""
    return _pictures_url() + rendition_name(file, width)


@cache
def _pictures_url() -> str:
    """Return the beginning of the URLs of pictures.

    It is cached, because a page with 24 products has 72 such URLs.
    """
    return reverse("catalogue:picture", args=["-"]).removesuffix("-")


def read_rendition(name: str) -> bytes:
    """Return the bytes of a rendition or of an original picture.

    A rendition is created on the first request. Raises ``FileNotFoundError`` for an unknown picture
    or a width that is not offered, ``PictureError`` for a picture that cannot be read, and
    ``TooBusy``.
    """
    storage = storages["pictures"]
    # The file is opened without checking whether it exists, because it nearly always does.
    with suppress(FileNotFoundError), storage.open(name) as file:
        return bytes(file.read())
    match = NAME.fullmatch(name)
    if not match:
        raise FileNotFoundError(name)
    with storage.open(f"{match['stem']}.jpg") as file:
        data = make_rendition(file.read(), int(match["width"]))
    store_file(name, data)
    return data


def make_rendition(original: bytes, width: int) -> bytes:
    """Return the original picture resized to ``width`` pixels, as WebP.

    Raises ``FileNotFoundError`` for a width that is not offered, ``PictureError`` and ``TooBusy``.
    """
    image = open_stored(original)
    if width not in rendition_widths(image.width):
        raise FileNotFoundError(f"{width} is not a width of this picture")
    kind = next(kind for kind, limit in WIDTHS.items() if width <= limit)
    height = max(1, round(image.height * width / image.width))
    with pixel_budget.reserve(decoding_cost(image)), translate_errors(original):
        image.draft("RGB", (width, height))
        small = image.convert("RGB").resize(
            (width, height), Image.Resampling.LANCZOS, reducing_gap=2.0
        )
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=QUALITY[kind], method=4)
    return buffer.getvalue()
