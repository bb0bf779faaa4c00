"""From any file that a person sends to a clean picture: checked, upright, sRGB, no metadata."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pillow_heif
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from shop.catalogue.images.decoding import decoding, weight

pillow_heif.register_heif_opener()
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
ACCEPT = (
    "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/tiff,image/avif,image/heic,.heic"
)
MAX_SIDE = 2400
JPEG_QUALITY = 92
# What a JPEG may carry and still be kept as it is: JFIF without a thumbnail, and Adobe's colour
# transform.
PLAIN_SEGMENTS = {"APP0": (b"JFIF\0", 14), "APP14": (b"Adobe", 12)}


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


def read_picture(data: bytes, *, max_side: int = MAX_SIDE) -> Picture:
    """Check and clean one file.

    Raises ``PictureError``. A clean JPEG of at most ``max_side`` pixels keeps its bytes; all else
    is re-encoded, which drops every kind of metadata.
    """
    if not data:
        raise PictureError(_("The file is empty. Choose another picture."))
    if len(data) > settings.PICTURE_MAX_BYTES:
        limit = settings.PICTURE_MAX_BYTES // (1024 * 1024)
        raise PictureError(
            _("The file is larger than %(limit)s MB. Choose a smaller picture.") % {"limit": limit}
        )
    image = _open(data)
    with decoding.of(weight(image)):
        if _is_clean_jpeg(image, data) and max(image.size) <= max_side:
            with _explained(data):
                return Picture(image.convert("RGB"), data)
        # A JPEG's decoder leaves out what twice the size does not need.
        image.draft(None, (2 * max_side, 2 * max_side))
        with _explained(data):
            image.load()
        # Smaller before anything else: each copy of 50 million pixels takes 200 MB.
        image = _resizable(image)
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
        image = upright_rgb(image)
    image.info.clear()  # else a comment would be written again
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return Picture(image, buffer.getvalue())


def _open(data: bytes) -> Image.Image:
    with _explained(data), warnings.catch_warnings():
        # Our own limit follows, and it is stricter.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(BytesIO(data), formats=FORMATS)
    if weight(image) > settings.PICTURE_MAX_PIXELS:
        raise PictureError(_too_many_pixels(image))
    return image


@contextmanager
def _explained(data: bytes) -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError:
        raise PictureError(_too_many_pixels()) from None
    except UnidentifiedImageError:
        raise PictureError(_not_a_picture(data)) from None
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error and others
        raise PictureError(
            _("The picture is damaged or incomplete. Save it again and retry.")
        ) from error


def _resizable(image: Image.Image) -> Image.Image:
    """In a mode in which pixels can be mixed. The caller forgets the picture that it gave."""
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.has_transparency_data and image.mode != "RGBA":
        image = image.convert("RGBA")
    elif image.mode in {"1", "P"}:
        image = image.convert("RGB")
    return image


def _too_many_pixels(image: Image.Image | None = None) -> str:
    limit, what = settings.PICTURE_MAX_PIXELS, _("The picture has too many pixels")
    if image is not None:
        size = {"width": image.width, "height": image.height}
        what = _("The picture has %(width)s × %(height)s pixels") % size
        limit = limit * image.width * image.height // weight(image)
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


def _is_clean_jpeg(image: Image.Image, data: bytes) -> bool:
    """Nothing in it but the picture, and nothing behind it."""
    if image.format != "JPEG" or image.mode not in {"RGB", "L"}:
        return False
    for name, content in getattr(image, "applist", []):
        begins, longest = PLAIN_SEGMENTS.get(name, (b"", -1))
        if len(content) > longest or not content.startswith(begins):
            return False
    return data.find(b"\xff\xd9") == len(data) - 2


def upright_rgb(image: Image.Image) -> Image.Image:
    """EXIF rotation applied, wide-gamut colours in sRGB, 16 bits in 8, transparency on white."""
    image = _as_srgb(ImageOps.exif_transpose(image))
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _as_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode=target
        )
    except (ImageCms.PyCMSError, OSError):
        return image  # a broken profile: the colours as they are
    return converted or image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Integers are 16 bits deep, floats run from 0 to 1 or 0 to 255 by convention."""
    values = np.array(image, dtype=np.float32)
    top = float(values.max(initial=0.0))
    white = 65535.0 if image.mode.startswith("I") and top > 255 else 1.0 if top <= 1 else 255.0
    values *= 255 / white
    return Image.fromarray(values.clip(0, 255, out=values).astype(np.uint8))
