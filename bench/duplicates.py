"""Whether copies of a picture are grouped, and whether anything else is.

    python bench/duplicates.py [--sheet FILE]

Seven copies each of 300 images are made and looked for by the rule of
``recommender.duplicates.grouping``: the index finds the 20 nearest, then hash and colour decide.
A pair of the catalogue's own images that the rule joins is false if their article types or base
colours differ; pairs of equal files are counted apart, since labels decide nothing there. The
table gives both shares for several bounds. ``--sheet`` draws 30 of the pairs that are no equal
files, to judge by eye.

Prints one JSON object and writes it to bench/results/duplicates.json. Needs an embedded catalogue;
reads only.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.db import connection  # noqa: E402
from PIL import Image, ImageDraw, ImageEnhance, ImageOps  # noqa: E402

from bench.environment import environment  # noqa: E402
from recommender.duplicates.grouping import (  # noqa: E402
    MAX_COLOUR_DISTANCE,
    MAX_HASH_DISTANCE,
)
from recommender.embedding.inference import embedder  # noqa: E402
from recommender.embedding.preprocessing import prepare  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from shop.catalogue.models import ProductImage  # noqa: E402

SAMPLE, SHOWN = 300, 30
BATCH = 500
HASH_BOUNDS, COLOUR_BOUNDS = (4, 6, 8, 10, 12, 14), (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
NEAR = """
SELECT new.image_id, near.image_id, near.bits, near.colours, new.file = near.file,
    new.category_id = near.category_id AND new.base_colour = near.base_colour
FROM (SELECT * FROM {table} JOIN catalogue_productimage ON id = image_id) AS new
CROSS JOIN LATERAL (
    SELECT image_id, file, category_id, base_colour, colour <-> new.colour AS colours,
        bit_count((picture_hash # new.picture_hash)::bit(64)) AS bits
    FROM (SELECT * FROM {table} WHERE embedding IS NOT NULL
        ORDER BY embedding <-> new.embedding LIMIT 20) AS nearest
    JOIN catalogue_productimage ON id = image_id) AS near
WHERE new.image_id = ANY(%(ids)s) AND near.image_id <> new.image_id
    AND near.bits <= %(bits)s AND near.colours <= %(colours)s
"""
ORIGINAL = """
SELECT bit_count((picture_hash # %(hash)s)::bit(64)), colour <-> %(colour)s::vector
FROM (SELECT image_id, picture_hash, colour FROM {table} WHERE embedding IS NOT NULL
    ORDER BY embedding <-> %(embedding)s::halfvec LIMIT 20) AS nearest
WHERE image_id = %(image)s
"""
Bounds = tuple[float, float]
# (image, image): bits, difference of colours, whether the files are equal, and the labels.
Pairs = dict[tuple[int, int], tuple[float, float, bool, bool]]


def saved(image: Image.Image, kind: str = "JPEG", quality: int = 85) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, quality=quality)
    return buffer.getvalue()


def cropped(image: Image.Image, share: float) -> Image.Image:
    x, y = round(image.width * share), round(image.height * share)
    return image.crop((x, y, image.width - x, image.height - y))


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "PNG": lambda image: saved(image, "PNG"),
    "JPEG, quality 60": lambda image: saved(image, quality=60),
    "half the size": lambda image: saved(image.resize((image.width // 2, image.height // 2))),
    "2 % cut off each side": lambda image: saved(cropped(image, 0.02)),
    "5 % cut off each side": lambda image: saved(cropped(image, 0.05)),
    "5 % brighter": lambda image: saved(ImageEnhance.Brightness(image).enhance(1.05)),
    "white border of 5 %": lambda image: saved(
        ImageOps.expand(image, round(image.height * 0.05), "white")
    ),
}


def copies(model: EmbeddingModel) -> dict[str, np.ndarray]:
    """Return, by kind of copy, (300, 2): bits and colour; infinite if the index finds another."""
    network = embedder(model)
    images = list(ProductImage.objects.order_by("file", "pk")[:SAMPLE])
    originals = [Image.open(BytesIO(image.read())).convert("RGB") for image in images]
    found = {}
    for kind, make in COPIES.items():
        prepared = [prepare(make(image), network.input_size) for image in originals]
        vectors = network.embed([one.pixels for one in prepared])
        rows = []
        for image, one, vector in zip(images, prepared, vectors, strict=True):
            values = {"image": image.pk, "hash": one.picture_hash}
            values |= {"colour": str(one.colour.tolist()), "embedding": str(vector.tolist())}
            with connection.cursor() as cursor:
                cursor.execute(ORIGINAL.format(table=model.table), values)
                rows.append(cursor.fetchone() or (np.inf, np.inf))
        found[kind] = np.array(rows, float)
    return found


def pairs(model: EmbeddingModel) -> Pairs:
    """Return the pairs of the catalogue's images within the widest bounds."""
    ids = list(model.embeddings.order_by("pk").values_list("pk", flat=True))
    bounds = {"bits": max(HASH_BOUNDS), "colours": max(COLOUR_BOUNDS)}
    found: Pairs = {}
    for start in range(0, len(ids), BATCH):
        with connection.cursor() as cursor:
            part = {"ids": ids[start : start + BATCH]}
            cursor.execute(NEAR.format(table=model.table), part | bounds)
            for one, other, *rest in cursor.fetchall():
                found[min(one, other), max(one, other)] = tuple(rest)
    return found


def judged(found: dict[str, np.ndarray], joined: Pairs, bounds: Bounds) -> dict[str, Any]:
    hits = {kind: float((rows <= bounds).all(axis=1).mean()) for kind, rows in found.items()}
    inside = [row for row in joined.values() if row[0] <= bounds[0] and row[1] <= bounds[1]]
    others = [alike for _bits, _colours, equal, alike in inside if not equal]
    return {
        "bits": bounds[0],
        "colour": bounds[1],
        "copies_found": round(float(np.mean(list(hits.values()))), 3),
        "copies_found_by_kind": {kind: round(share, 3) for kind, share in hits.items()},
        "pairs_of_equal_files": len(inside) - len(others),
        "other_pairs": len(others),
        "false_of_other_pairs": round(others.count(False) / max(1, len(others)), 4),
        "false_of_all": round(sum(not row[3] for row in inside) / max(1, len(inside)), 4),
    }


def draw_sheet(joined: Pairs, bounds: Bounds, path: Path) -> None:
    """Draw pairs of files that differ, side by side, with their labels where those differ."""
    inside = [
        pair
        for pair, (bits, colours, equal, _alike) in joined.items()
        if not equal and bits <= bounds[0] and colours <= bounds[1]
    ]
    some = random.Random(1).sample(sorted(inside), min(SHOWN, len(inside)))
    sheet = Image.new("RGB", (5 * 330, 6 * 200), "white")
    draw = ImageDraw.Draw(sheet)
    for place, pair in enumerate(some):
        x, y = place % 5 * 330, place // 5 * 200
        images = ProductImage.objects.select_related("product__category").in_bulk(pair)
        for side, key in enumerate(pair):
            product = images[key].product
            picture = Image.open(BytesIO(images[key].read())).convert("RGB").resize((105, 140))
            sheet.paste(picture, (x + side * 160, y))
            label = f"{product.category.name}, {product.base_colour}"
            draw.text((x + side * 160, y + 145), f"{label}\n{product.name[:24]}", "black")
    sheet.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    machine, model = environment(), EmbeddingModel.objects.active()
    found, joined = copies(model), pairs(model)
    rule = (MAX_HASH_DISTANCE, MAX_COLOUR_DISTANCE)
    result = {
        "environment": machine,
        "pictures": ProductImage.objects.count(),
        "model": model.name,
        "rule": judged(found, joined, rule),
        "other_bounds": [
            judged(found, joined, (bits, colour))
            for bits in HASH_BOUNDS
            for colour in COLOUR_BOUNDS
        ],
    }
    if options.sheet:
        draw_sheet(joined, rule, options.sheet)
    text = json.dumps(result, indent=1)
    (ROOT / "bench" / "results" / "duplicates.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
