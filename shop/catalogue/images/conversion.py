"""Turn the bytes of any picture into an upright sRGB image without metadata.

Imports nothing of Django, because ``child`` runs it in a process of its own.
"""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageChops, ImageCms, JpegImagePlugin, UnidentifiedImageError

from shop.catalogue.images.structure import BOUNDED, SIGNATURES, Refused, Structure

pillow_heif.register_heif_opener()
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
JPEG_QUALITY = 92
# Of a million pixels, and of each of a JPEG's scans over them: the slowest measured on two cores
# that others used too, reading and writing included.
SECONDS_A_MILLION, SECONDS_A_SCAN = 0.12, 0.0025
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
# Grey levels. Of a picture whose visible part is nearly white, the ground must not be.
NEARLY_WHITE, GREY = 235, 200


def open_limited(data: bytes, max_pixels: int) -> Image.Image:
    """Open a picture without decoding its pixels. Raises ``Refused``, and what Pillow raises."""
    try:
        with warnings.catch_warnings():
            # Our own limit follows, and it is stricter.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = _opened(data)
    except Image.DecompressionBombError:
        raise Refused("pixels", limit=max_pixels) from None
    except UnidentifiedImageError:
        raise Refused("unknown") from None
    if weight(image) > max_pixels:
        limit = max_pixels * image.width * image.height // weight(image)
        raise Refused("pixels", limit=limit, width=image.width, height=image.height)
    return image


def _opened(data: bytes) -> Image.Image:
    """Open a file in spite of lists and EXIF blocks that are broken beside a good picture."""
    if SIGNATURES["JPEG"].match(data):
        # Not by Image.open, which reads the list of further pictures (MPO) as well.
        return JpegImagePlugin.JpegImageFile(BytesIO(data))
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except Exception:
        if not SIGNATURES["ISO"].match(data):
            raise
        # libavif and Pillow open no AVIF with a broken EXIF block, but skip blocks of other types.
        return Image.open(BytesIO(data.replace(b"Exif", b"none")), formats=FORMATS)


def weight(image: Image.Image) -> int:
    """Return the pixels, counted twice where each takes the decoder 12 to 16 bytes and not 5 to 10.

    Those of the file: a JPEG's decoder leaves some out, but may need the whole picture for it.
    """
    twice = (
        image.format == "WEBP"
        or (image.format == "AVIF" and image.mode == "RGBA")
        or image.mode in {"F", "I"}
    )
    return image.width * image.height * (2 if twice else 1)


def is_quick(image: Image.Image, structure: Structure) -> bool:
    """Return whether the picture is surely read within two seconds."""
    if structure.kind not in BOUNDED or not structure.ended:
        return False
    million = image.width * image.height / 1_000_000
    return million * (SECONDS_A_MILLION + SECONDS_A_SCAN * structure.scans) <= QUICK_SECONDS


def convert(image: Image.Image, max_side: int) -> Image.Image:
    """Return an upright sRGB copy without metadata that fits into a square of ``max_side``.

    Raises what Pillow raises. The caller forgets the image that it gave.
    """
    # A JPEG's decoder leaves out what twice the size does not need.
    image.draft(None, (2 * max_side, 2 * max_side))
    image.load()
    # Smaller before anything else: each copy of 50 million pixels takes 200 MB.
    image = _resizable(_upright(image))
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    image = _flat_srgb(image)
    image.info.clear()  # else a comment would be written again
    return image


def encode(image: Image.Image) -> bytes:
    """Return the image as JPEG."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def with_end_marker(data: bytes) -> bytes:
    """Complete a JPEG that lacks its end marker only. Raises ``Refused`` if pixels are missing.

    A decoder goes on into whatever follows the last bit: bytes of either kind change the picture
    where it was not complete. Pillow tells no other way.
    """
    data = data.rstrip(b"\xff")
    first, second = (data + fill * 64 + END_MARKER for fill in (b"\0", b"\xaa"))
    if ImageChops.difference(_opened(first), _opened(second)).getbbox():
        raise Refused("damaged")
    return first


def upright_rgb(image: Image.Image) -> Image.Image:
    """Apply EXIF rotation; wide-gamut colours in sRGB, 16 bits in 8, transparency on white."""
    return _flat_srgb(_upright(image))


def _upright(image: Image.Image) -> Image.Image:
    """Turn as EXIF says. As it is if EXIF is broken, which raises anything."""
    try:
        turn = TRANSPOSITIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return image
    return image.transpose(turn) if turn is not None else image


def _resizable(image: Image.Image) -> Image.Image:
    """Return it in a mode in which pixels can be mixed."""
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
        image = Image.alpha_composite(Image.new("RGBA", image.size, _ground(image)), image)
    return image.convert("RGB")


def _ground(image: Image.Image) -> tuple[int, int, int]:
    """Return the colour on which a transparent picture is seen: white, or grey for a white one."""
    grey, alpha = image.convert("L"), image.getchannel("A")
    seen = grey.histogram(alpha.point(lambda value: 255 if value >= 128 else 0))
    white = sum(seen[NEARLY_WHITE:])
    return (GREY, GREY, GREY) if 2 * white > sum(seen) else (255, 255, 255)


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
    except Exception:  # a broken profile raises anything: the colours as they are
        return image
    return converted or image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Floats run from 0 to 1 or 0 to 255 by convention, integers of 32 bits to 255 or 65535."""
    values = np.array(image, dtype=np.float32)
    top = float(values.max(initial=0.0))
    if image.mode.startswith("I;16") or (image.mode == "I" and top > 255):
        white = 65535.0
    else:
        white = 1.0 if image.mode == "F" and top <= 1 else 255.0
    values *= 255 / white
    return Image.fromarray(values.clip(0, 255, out=values).astype(np.uint8))
