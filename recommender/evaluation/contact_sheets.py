"""Draw contact sheets: a query and its five in each row, to be judged by eye."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from recommender.evaluation.datasets import COUNT
from shop.catalogue.images.conversion import upright_rgb

EXAMPLES = 20
COLUMNS = 2
WIDTH, HEIGHT, GAP, CAPTION = 84, 112, 6, 16
QUALITY = 80
Query = TypeVar("Query")


@dataclass(frozen=True)
class Example:
    """A query and what it found, as encoded pictures, nearest first."""

    caption: str
    query: bytes
    found: list[bytes]


def drawn_by_seed(queries: Sequence[Query], seed: int) -> list[Query]:
    """Draw the queries of a sheet; the same ones for the same seed, whatever they find."""
    count = min(EXAMPLES, len(queries))
    chosen = np.random.default_rng([seed, 4]).choice(len(queries), count, replace=False)
    return [queries[place] for place in sorted(chosen.tolist())]


def draw_sheet(examples: Iterable[Example]) -> bytes:
    """Return a JPEG with the examples in two columns; an empty frame is a missing product."""
    strips = [_draw_strip(number, example) for number, example in enumerate(examples, 1)]
    rows = -(-len(strips) // COLUMNS)
    width, height = strips[0].size
    sheet = Image.new("RGB", (COLUMNS * (width + 3 * GAP), rows * (height + GAP)), "white")
    for place, strip in enumerate(strips):
        column, row = divmod(place, rows)
        sheet.paste(strip, (column * (width + 3 * GAP), row * (height + GAP)))
    buffer = BytesIO()
    sheet.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()


def _draw_strip(number: int, example: Example) -> Image.Image:
    strip = Image.new("RGB", ((COUNT + 1) * (WIDTH + GAP) + GAP, HEIGHT + CAPTION), "white")
    draw = ImageDraw.Draw(strip)
    draw.text((0, 0), f"{number}: {example.caption}", "black", ImageFont.load_default(size=11))
    strip.paste(_thumbnail(example.query), (0, CAPTION))
    for place in range(COUNT):
        left = (place + 1) * (WIDTH + GAP) + GAP
        if place < len(example.found):
            strip.paste(_thumbnail(example.found[place]), (left, CAPTION))
        else:
            draw.rectangle((left, CAPTION, left + WIDTH - 1, CAPTION + HEIGHT - 1), outline="grey")
    return strip


def _thumbnail(content: bytes) -> Image.Image:
    image = upright_rgb(Image.open(BytesIO(content)))
    return ImageOps.pad(image, (WIDTH, HEIGHT), Image.Resampling.LANCZOS, color="white")
