"""From any file that a person sends to a clean picture: checked, upright, sRGB, no metadata."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pillow_heif
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

pillow_heif.register_heif_opener()
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
ACCEPT = (
    "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/tiff,image/avif,image/heic,.heic"
)
MAX_SIDE = 2400
JPEG_QUALITY = 92
# What a JPEG may carry and still be kept as it is: JFIF and Adobe's colour transform.
PLAIN_SEGMENTS = {"APP0", "APP14"}


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
        return storages["pictures"].save(self.name, ContentFile(self.jpeg))


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
    image = _decode(data)
    if _is_clean_jpeg(image) and max(image.size) <= max_side:
        return Picture(image.convert("RGB"), data)
    image = upright_rgb(image)
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return Picture(image, buffer.getvalue())


def _decode(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Our own limit follows, and it is stricter.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=FORMATS)
        if image.width * image.height > settings.PICTURE_MAX_PIXELS:
            raise PictureError(_too_many_pixels(image.size))
        image.load()
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(_too_many_pixels(None)) from None
    except UnidentifiedImageError:
        raise PictureError(_not_a_picture(data)) from None
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error and others
        raise PictureError(
            _("The picture is damaged or incomplete. Save it again and retry.")
        ) from error
    return image


def _too_many_pixels(size: tuple[int, int] | None) -> str:
    limit = settings.PICTURE_MAX_PIXELS // 1_000_000
    what = (
        _("The picture has %(width)s × %(height)s pixels") % {"width": size[0], "height": size[1]}
        if size
        else _("The picture has too many pixels")
    )
    return _("%(what)s; at most %(limit)s million are allowed. Make it smaller and retry.") % {
        "what": what,
        "limit": limit,
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


def _is_clean_jpeg(image: Image.Image) -> bool:
    segments = {name for name, _content in getattr(image, "applist", [])}
    return image.format == "JPEG" and image.mode in {"RGB", "L"} and segments <= PLAIN_SEGMENTS


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
    values = np.asarray(image, dtype=np.float32)
    top = float(values.max(initial=0.0))
    white = 65535.0 if image.mode.startswith("I") and top > 255 else 1.0 if top <= 1 else 255.0
    return Image.fromarray((values * (255 / white)).clip(0, 255).astype(np.uint8))
