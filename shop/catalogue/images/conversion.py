"""Convert any picture to an upright sRGB image without metadata.

This module does not import Django, because the process of ``child`` must start quickly.
"""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageChops, ImageCms, JpegImagePlugin, UnidentifiedImageError

from shop.catalogue.images.structure import BOUNDED, SIGNATURES, ImageRefused, Structure

pillow_heif.register_heif_opener()
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
JPEG_QUALITY = 92
# Upper bounds measured on two busy cores: seconds per million pixels, including reading and
# writing, and per million pixels for each scan of a JPEG.
SECONDS_PER_MILLION, SECONDS_PER_SCAN = 0.12, 0.0025
QUICK_SECONDS = 2.0
TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
END_MARKER = b"\xff\xd9"
# Grey levels: a transparent picture that is nearly white gets a grey background to be visible.
NEARLY_WHITE, GREY = 235, 200


def open_limited(data: bytes, max_pixels: int) -> Image.Image:
    """Open a picture without decoding its pixels.

    Raises ``ImageRefused``, or any error of Pillow.
    """
    try:
        with warnings.catch_warnings():
            # The warning is superfluous, because our own limit below is stricter.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = _open(data)
    except Image.DecompressionBombError:
        raise ImageRefused("pixels", limit=max_pixels) from None
    except UnidentifiedImageError:
        raise ImageRefused("unknown") from None
    if decoding_cost(image) > max_pixels:
        limit = max_pixels * image.width * image.height // decoding_cost(image)
        raise ImageRefused("pixels", limit=limit, width=image.width, height=image.height)
    return image


def _open(data: bytes) -> Image.Image:
    """Open a picture, tolerating broken metadata."""
    if SIGNATURES["JPEG"].match(data):
        # Image.open is avoided, because it fails on a broken list of further pictures (MPO).
        return JpegImagePlugin.JpegImageFile(BytesIO(data))
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except Exception:
        if not SIGNATURES["ISO"].match(data):
            raise
        # The EXIF block is renamed, because libavif and Pillow fail if it is broken but skip
        # unknown blocks.
        return Image.open(BytesIO(data.replace(b"Exif", b"none")), formats=FORMATS)


def decoding_cost(image: Image.Image) -> int:
    """Return the number of pixels, doubled for formats that need 12 to 16 bytes per pixel.

    Other formats need 5 to 10 bytes. All pixels of a JPEG count, because its decoder may need them
    all even if it downscales.
    """
    twice = (
        image.format == "WEBP"
        or (image.format == "AVIF" and image.mode == "RGBA")
        or image.mode in {"F", "I"}
    )
    return image.width * image.height * (2 if twice else 1)


def is_quick(image: Image.Image, structure: Structure) -> bool:
    """Return whether reading the picture is certain to take at most ``QUICK_SECONDS``."""
    if structure.kind not in BOUNDED or not structure.ended:
        return False
    million = image.width * image.height / 1_000_000
    return million * (SECONDS_PER_MILLION + SECONDS_PER_SCAN * structure.scans) <= QUICK_SECONDS


def convert(image: Image.Image, max_side: int) -> Image.Image:
    """Return an upright sRGB copy without metadata that fits into a square of ``max_side``.

    The given image is changed, too. Raises any error of Pillow.
    """
    # The decoder of a JPEG downscales quickly but coarsely, so it produces twice the size needed.
    image.draft(None, (2 * max_side, 2 * max_side))
    image.load()
    # The picture is downscaled before the other steps, because each copy of 50 million pixels takes
    # 200 MB.
    image = _resizable(_upright(image))
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    image = _flat_srgb(image)
    image.info.clear()  # otherwise Pillow would save the old comment
    return image


def encode(image: Image.Image) -> bytes:
    """Return the image as JPEG."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def with_end_marker(data: bytes) -> bytes:
    """Append the missing end marker to a JPEG. Raises ``ImageRefused`` if pixels are missing.

    Pillow does not report missing pixels. The data is therefore decoded twice with different bytes
    appended; the pictures differ if the data is incomplete.
    """
    data = data.rstrip(b"\xff")
    first, second = (data + fill * 64 + END_MARKER for fill in (b"\0", b"\xaa"))
    if ImageChops.difference(_open(first), _open(second)).getbbox():
        raise ImageRefused("damaged")
    return first


def upright_rgb(image: Image.Image) -> Image.Image:
    """Convert to upright RGB: sRGB colours, 8 bits per channel, no transparency."""
    return _flat_srgb(_upright(image))


def _upright(image: Image.Image) -> Image.Image:
    """Apply the rotation in EXIF. Broken EXIF is ignored; Pillow may raise any error for it."""
    try:
        transposition = TRANSPOSITIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return image
    return image.transpose(transposition) if transposition is not None else image


def _resizable(image: Image.Image) -> Image.Image:
    """Convert to a mode in which pixels can be interpolated."""
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.has_transparency_data and image.mode != "RGBA":
        image = image.convert("RGBA")
    elif image.mode in {"1", "P"}:
        image = image.convert("RGB")
    return image


def _flat_srgb(image: Image.Image) -> Image.Image:
    image = _as_srgb(image)
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _background(image)), image)
    return image.convert("RGB")


def _background(image: Image.Image) -> tuple[int, int, int]:
    """Return a background for a transparent picture: white, or grey if the picture is white."""
    grey, alpha = image.convert("L"), image.getchannel("A")
    visible = grey.histogram(alpha.point(lambda value: 255 if value >= 128 else 0))
    white = sum(visible[NEARLY_WHITE:])
    return (GREY, GREY, GREY) if 2 * white > sum(visible) else (255, 255, 255)


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
    except Exception:  # Pillow may raise any error for a broken profile
        return image
    return converted or image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Convert integers or floats to 8 bits per channel.

    By convention, white is 255 or 65535 in integers, and 1 or 255 in floats.
    """
    values = np.array(image, dtype=np.float32)
    top = float(values.max(initial=0.0))
    if image.mode.startswith("I;16") or (image.mode == "I" and top > 255):
        white = 65535.0
    else:
        white = 1.0 if image.mode == "F" and top <= 1 else 255.0
    values *= 255 / white
    return Image.fromarray(values.clip(0, 255, out=values).astype(np.uint8))
