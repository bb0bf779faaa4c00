"""Draw contact sheets for judging results by eye: a query and its five results in each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from recommender.evaluation.datasets import K
from shop.catalogue.images.conversion import upright_rgb

EXAMPLES = 20
COLUMNS = 2
WIDTH, HEIGHT, GAP, CAPTION = 84, 112, 6, 16
QUALITY = 80
Query = TypeVar("Query")


@dataclass(frozen=True)
class Example:
    """Holds the encoded pictures of a query and of its results, nearest first."""

    caption: str
    query: bytes
    found: list[bytes]


def sample_queries(queries: Sequence[Query], seed: int) -> list[Query]:
    """Choose the queries of a sheet by the seed alone, whatever their results."""
    count = min(EXAMPLES, len(queries))
    chosen = np.random.default_rng([seed, 4]).choice(len(queries), count, replace=False)
    return [queries[place] for place in sorted(chosen.tolist())]


def draw_sheet(examples: Iterable[Example]) -> bytes:
    """Return a JPEG of the examples in two columns; an empty frame stands for a missing result."""
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
    strip = Image.new("RGB", ((K + 1) * (WIDTH + GAP) + GAP, HEIGHT + CAPTION), "white")
    draw = ImageDraw.Draw(strip)
    draw.text((0, 0), f"{number}: {example.caption}", "black", ImageFont.load_default(size=11))
    strip.paste(_thumbnail(example.query), (0, CAPTION))
    for place in range(K):
        left = (place + 1) * (WIDTH + GAP) + GAP
        if place < len(example.found):
            strip.paste(_thumbnail(example.found[place]), (left, CAPTION))
        else:
            draw.rectangle((left, CAPTION, left + WIDTH - 1, CAPTION + HEIGHT - 1), outline="grey")
    return strip


def _thumbnail(content: bytes) -> Image.Image:
    image = upright_rgb(Image.open(BytesIO(content)))
    return ImageOps.pad(image, (WIDTH, HEIGHT), Image.Resampling.LANCZOS, color="white")
