"""Validate uploaded pictures and convert them to upright sRGB JPEGs without metadata."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils.translation import gettext as _
from PIL import Image

from shop.catalogue.images.child import convert_in_child
from shop.catalogue.images.conversion import convert, decoding_cost, encode, is_quick, open_limited
from shop.catalogue.images.decoding import WAIT_SECONDS, child_slot, pixel_budget
from shop.catalogue.images.structure import BOUNDED, ImageRefused, Structure, examine

ACCEPT = (
    "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/tiff,image/avif,image/heic,.heic"
)
MAX_SIDE = 2400


class PictureError(ValueError):
    """Signals that a file is no usable picture; the message tells the user what to do."""


@dataclass(frozen=True)
class Picture:
    """Holds an upright RGB picture and its JPEG bytes."""

    image: Image.Image
    jpeg: bytes

    @property
    def name(self) -> str:
        """Return the content-addressed name under which the picture is stored."""
        return f"{hashlib.sha256(self.jpeg).hexdigest()}.jpg"

    def save(self) -> str:
        """Store the picture and return its name.

        ``delete_unused`` deletes the file if no row refers to it within a day.
        """
        store_file(self.name, self.jpeg)
        return self.name


def store_file(name: str, data: bytes) -> None:
    """Store bytes under their content-addressed name; if the file exists, renew its timestamp.

    The new timestamp protects the file from ``delete_unused`` until a row that refers to it is
    committed.
    """
    storage = storages["pictures"]
    with suppress(NotImplementedError, FileNotFoundError):
        os.utime(storage.path(name))
        return
    saved = storage.save(name, ContentFile(data))
    if saved != name:  # the storage chose another name, because the file exists
        storage.delete(saved)


def read_picture(
    data: bytes, *, max_side: int = MAX_SIDE, timeout: float | None = WAIT_SECONDS
) -> Picture:
    """Validate and convert one picture file.

    A JPEG without metadata whose sides have at most ``max_side`` pixels is kept unchanged; all
    others are re-encoded, which removes all metadata. Raises ``PictureError``, and ``TooBusy``
    after waiting ``timeout`` seconds for other pictures; workers pass ``None`` to wait without
    limit.
    """
    _check_size(data)
    with translate_errors(data):
        structure = examine(data)
        # Other formats may have endless lists of frames, so only the child process opens them.
        image = _open(data) if structure.kind in BOUNDED else None
    if image is None or not is_quick(image, structure):
        with child_slot(timeout), translate_errors(data):
            jpeg = convert_in_child(data, max_side, settings.PICTURE_MAX_PIXELS)
            return Picture(Image.open(BytesIO(jpeg), formats=["JPEG"]), jpeg)
    with pixel_budget.reserve(decoding_cost(image), timeout), translate_errors(data):
        if _is_clean_jpeg(image, structure) and max(image.size) <= max_side:
            return Picture(image.convert("RGB"), data)
        image = convert(image, max_side)
        return Picture(image, encode(image))


def open_stored(data: bytes) -> Image.Image:
    """Open a stored picture without decoding its pixels.

    Raises ``PictureError`` for files that an earlier version of the shop accepted and this one
    refuses.
    """
    with translate_errors(data):
        examine(data)
        return _open(data)


@contextmanager
def translate_errors(data: bytes) -> Iterator[None]:
    """Translate any error of a picture library to ``PictureError``."""
    try:
        yield
    except PictureError:
        raise
    except ImageRefused as error:
        raise PictureError(_explanation(error, data)) from error
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error and others
        raise PictureError(_explanation(ImageRefused("damaged"), data)) from error


def _check_size(data: bytes) -> None:
    if not data:
        raise PictureError(_("The file is empty. Choose another image."))
    if len(data) > settings.PICTURE_MAX_BYTES:
        limit = settings.PICTURE_MAX_BYTES // (1024 * 1024)
        raise PictureError(
            _("The file is larger than %(limit)s MB. Choose a smaller image.") % {"limit": limit}
        )


def _open(data: bytes) -> Image.Image:
    return open_limited(data, settings.PICTURE_MAX_PIXELS)


def _is_clean_jpeg(image: Image.Image, structure: Structure) -> bool:
    """Return whether the file can be kept: a JPEG without metadata, in RGB or grey."""
    return structure.clean and image.format == "JPEG" and image.mode in {"RGB", "L"}


def _explanation(refusal: ImageRefused, data: bytes) -> str:
    match refusal.reason:
        case "unknown":
            return _not_a_picture(data)
        case "pixels":
            return _too_many_pixels(**refusal.values)
        case "complex":
            return _("This image takes too long to read. Save it as JPEG and try again.")
    return _("This image is damaged or incomplete. Save it again and retry.")


def _too_many_pixels(limit: int, width: int = 0, height: int = 0) -> str:
    what = _("The image has too many pixels")
    if width:
        size = {"width": width, "height": height}
        what = _("The image has %(width)s × %(height)s pixels") % size
    return _("%(what)s; at most %(limit)s million are allowed. Make it smaller and try again.") % {
        "what": what,
        "limit": limit // 1_000_000,
    }


def _not_a_picture(data: bytes) -> str:
    head = data[:1024].lstrip().lower()
    if head.startswith(b"%pdf"):
        return _("This is a PDF, not an image. Upload a photo or a screenshot of it instead.")
    if b"<svg" in head:
        return _("SVG drawings are not supported. Upload a photo, or save the drawing as PNG.")
    return _(
        "We can’t read this file. Upload a JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC image."
    )
