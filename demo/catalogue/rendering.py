"""Render a sheet as a photograph: rasterise both layers, add a texture and a shadow."""

from __future__ import annotations

import io
from functools import cache
from random import Random

import resvg_py
from PIL import Image, ImageChops, ImageFilter

from demo.catalogue.drawing import PIXELS, SOFT_PIXELS, Sheet
from demo.catalogue.paths import WIDTH, Box

_NEUTRAL = 128


def photograph(sheet: Sheet, view: Box | None = None) -> Image.Image:
    """Return the finished RGB image, 720 x 960; `view` zooms to a 3:4 part of the sheet."""
    sharp = _raster(sheet.sharp_svg(view)).convert("RGBA")
    soft = _raster(sheet.soft_svg(view)).convert("L").resize(PIXELS, Image.Resampling.BICUBIC)
    alpha = sharp.getchannel("A")
    zoom = WIDTH / (view.right - view.left) if view else 1.0
    light = ImageChops.add(soft, _texture(sheet.texture, zoom), 1, -_NEUTRAL)
    light = ImageChops.add(light, _rim(alpha), 1, -_NEUTRAL)
    lit = ImageChops.hard_light(sharp.convert("RGB"), Image.merge("RGB", [light] * 3))
    ground = ImageChops.multiply(_backdrop(), Image.merge("RGB", [_shadow(alpha)] * 3))
    ground.paste(lit, (0, 0), alpha)
    return ground


def jpeg(picture: Image.Image) -> bytes:
    """Return the image as the bytes of a JPEG file."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88, optimize=False)
    return out.getvalue()


def _raster(svg: str) -> Image.Image:
    drawn = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(drawn)))


def _rim(alpha: Image.Image) -> Image.Image:
    # The difference of two shifted blurred copies looks like an edge lit from the upper left.
    small = alpha.resize(SOFT_PIXELS, Image.Resampling.BILINEAR).filter(
        ImageFilter.GaussianBlur(2.5)
    )
    bevel = ImageChops.subtract(
        ImageChops.offset(small, -2, -2), ImageChops.offset(small, 2, 2), 5, _NEUTRAL
    )
    return bevel.resize(PIXELS, Image.Resampling.BICUBIC)


def _shadow(alpha: Image.Image) -> Image.Image:
    small = alpha.resize(SOFT_PIXELS, Image.Resampling.BILINEAR)
    wide, near = Image.new("L", SOFT_PIXELS), Image.new("L", SOFT_PIXELS)
    # Pasting shifts the shadow; ImageChops.offset would wrap that of a long dress to the top.
    wide.paste(small.filter(ImageFilter.GaussianBlur(8)), (3, 7))
    near.paste(small.filter(ImageFilter.GaussianBlur(1.6)), (1, 2))
    dark = ImageChops.add(wide.point(lambda v: v * 0.2), near.point(lambda v: v * 0.22))
    return ImageChops.invert(dark).resize(PIXELS, Image.Resampling.BICUBIC)


@cache
def _backdrop() -> Image.Image:
    return Image.new("RGB", PIXELS, "#ffffff")


@cache
def _texture(name: str, zoom: float) -> Image.Image:
    """Return a grey image around 128: the weave, knit, twill or grain of the material."""
    if name == "smooth":
        return Image.new("L", PIXELS, _NEUTRAL)
    tile = _grain() if name == "leather" else _tile(_TILES[name])
    if zoom != 1:
        size = round(tile.width * zoom), round(tile.height * zoom)
        tile = tile.resize(size, Image.Resampling.BICUBIC)
    sheet = Image.new("L", PIXELS)
    for x in range(0, PIXELS[0], tile.width):
        for y in range(0, PIXELS[1], tile.height):
            sheet.paste(tile, (x, y))
    return sheet


# Each digit is a pixel: 5 is neutral, higher is brighter, lower is darker.
_TILES: dict[str, tuple[str, ...]] = {
    "weave": ("5645", "6554", "4565", "5456"),
    "twill": ("85424", "42485", "48542", "54248", "24854"),
    "knit": (
        "2795555972",
        "5279559725",
        "5527997255",
        "5552772555",
        "4555225554",
        "4555225554",
        "3655335563",
    ),
    "cable": ("26888620", "26888620", "15777510"),
}


def _tile(rows: tuple[str, ...]) -> Image.Image:
    # The pattern is repeated to a tile of about 120 px, because fewer pastes then cover a picture.
    cell = Image.new("L", (len(rows[0]), len(rows)))
    cell.putdata([_NEUTRAL + (int(digit) - 5) * 4 for row in rows for digit in row])
    across, down = 120 // cell.width, 120 // cell.height
    tile = Image.new("L", (cell.width * across, cell.height * down))
    for x in range(across):
        for y in range(down):
            tile.paste(cell, (x * cell.width, y * cell.height))
    return tile


def _grain() -> Image.Image:
    noise = Random(7).randbytes(240 * 240)
    fine = Image.frombytes("L", (240, 240), noise).filter(ImageFilter.GaussianBlur(1.5))
    return fine.point(lambda v: _NEUTRAL + (v - _NEUTRAL) * 0.16)
