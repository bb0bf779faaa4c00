"""From any file that a person sends to a clean picture: checked, upright, sRGB, no metadata."""

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
from shop.catalogue.images.conversion import convert, encode, is_quick, open_limited, weight
from shop.catalogue.images.decoding import PATIENCE_SECONDS, child_turn, decoding
from shop.catalogue.images.structure import BOUNDED, Refused, Structure, examine

ACCEPT = (
    "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/tiff,image/avif,image/heic,.heic"
)
MAX_SIDE = 2400


class PictureError(ValueError):
    """The file is no usable picture; the message tells the person what to do."""


@dataclass(frozen=True)
class Picture:
    """An upright RGB picture and the JPEG bytes that keep it."""

    image: Image.Image
    jpeg: bytes

    @property
    def name(self) -> str:
        """The content-addressed name under which the picture is stored."""
        return f"{hashlib.sha256(self.jpeg).hexdigest()}.jpg"

    def save(self) -> str:
        """Store the picture and return its name, which a row has to hold within a day."""
        store_file(self.name, self.jpeg)
        return self.name


def store_file(name: str, data: bytes) -> None:
    """Store bytes under a name made from them; a file that exists already becomes young again.

    Being young saves it from ``unused_files`` until the caller has committed a row naming it.
    """
    storage = storages["pictures"]
    with suppress(NotImplementedError, FileNotFoundError):
        os.utime(storage.path(name))
        return
    saved = storage.save(name, ContentFile(data))
    if saved != name:  # the storage does not overwrite, and the name is taken by the same bytes
        storage.delete(saved)


def read_picture(
    data: bytes, *, max_side: int = MAX_SIDE, patience: float | None = PATIENCE_SECONDS
) -> Picture:
    """Check and clean one file.

    Raises ``PictureError``, and ``TooBusy`` after waiting for ``patience`` seconds; workers, for
    which nobody waits, give ``None``. A clean JPEG of at most ``max_side`` pixels keeps its bytes;
    all else is re-encoded, which drops every kind of metadata.
    """
    _check_size(data)
    with translate_errors(data):
        structure = examine(data)
        # The others are not even opened here, as the lists in them may be endless.
        image = _open(data) if structure.kind in BOUNDED else None
    if image is None or not is_quick(image, structure):
        with child_turn(patience), translate_errors(data):
            jpeg = convert_in_child(data, max_side, settings.PICTURE_MAX_PIXELS)
            return Picture(Image.open(BytesIO(jpeg), formats=["JPEG"]), jpeg)
    with decoding.of(weight(image), patience), translate_errors(data):
        if _is_clean_jpeg(image, structure) and max(image.size) <= max_side:
            return Picture(image.convert("RGB"), data)
        image = convert(image, max_side)
        return Picture(image, encode(image))


def open_stored(data: bytes) -> Image.Image:
    """Open a stored picture, or a photo, whose pixels are decoded later.

    Raises ``PictureError`` for what an earlier version stored and this one refuses.
    """
    with translate_errors(data):
        examine(data)
        return _open(data)


@contextmanager
def translate_errors(data: bytes) -> Iterator[None]:
    """Raise ``PictureError`` for whatever a picture library raises."""
    try:
        yield
    except PictureError:
        raise
    except Refused as error:
        raise PictureError(_explanation(error, data)) from error
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error and others
        raise PictureError(_explanation(Refused("damaged"), data)) from error


def _check_size(data: bytes) -> None:
    if not data:
        raise PictureError(_("The file is empty. Choose another picture."))
    if len(data) > settings.PICTURE_MAX_BYTES:
        limit = settings.PICTURE_MAX_BYTES // (1024 * 1024)
        raise PictureError(
            _("The file is larger than %(limit)s MB. Choose a smaller picture.") % {"limit": limit}
        )


def _open(data: bytes) -> Image.Image:
    return open_limited(data, settings.PICTURE_MAX_PIXELS)


def _is_clean_jpeg(image: Image.Image, structure: Structure) -> bool:
    """Return whether the file holds nothing but the picture, in colours that need no conversion."""
    return structure.clean and image.format == "JPEG" and image.mode in {"RGB", "L"}


def _explanation(refusal: Refused, data: bytes) -> str:
    match refusal.reason:
        case "unknown":
            return _not_a_picture(data)
        case "pixels":
            return _too_many_pixels(**refusal.values)
        case "complex":
            return _("The picture takes too long to read. Save it again as a JPEG and retry.")
    return _("The picture is damaged or incomplete. Save it again and retry.")


def _too_many_pixels(limit: int, width: int = 0, height: int = 0) -> str:
    what = _("The picture has too many pixels")
    if width:
        size = {"width": width, "height": height}
        what = _("The picture has %(width)s × %(height)s pixels") % size
    return _("%(what)s; at most %(limit)s million are allowed. Make it smaller and retry.") % {
        "what": what,
        "limit": limit // 1_000_000,
    }


def _not_a_picture(data: bytes) -> str:
    head = data[:1024].lstrip().lower()
    if head.startswith(b"%pdf"):
        return _("This is a PDF, not a picture. Send a photo or a screenshot of it instead.")
    if b"<svg" in head:
        return _("SVG drawings cannot be searched. Send a photo, or the drawing saved as PNG.")
    return _(
        "This file is not a picture we can read. "
        "Send a JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC file."
    )
