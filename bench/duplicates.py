"""Measure how often a re-saved copy of a product image is recognised as that image.

    python bench/duplicates.py

Makes seven altered copies of each of 200 images and embeds them like uploaded photos. Reports for
each kind of copy:

- ``among_five``: the share of copies whose original is among the nearest five images.
- ``same_picture``: the share of copies whose nearest image is the original, within the distance
  ``recommender.search.similar.SAME_IMAGE_DISTANCE``.
- ``another_picture``: the share of copies whose nearest image is another one within that distance,
  which photo search would wrongly show first.

Prints one JSON object and writes it to bench/results/duplicates.json. Needs an embedded catalogue,
which it only reads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.db import connection  # noqa: E402
from PIL import Image, ImageEnhance, ImageOps  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.embedding.inference import embedder  # noqa: E402
from recommender.embedding.preprocessing import prepare_photo  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.search.similar import SAME_IMAGE_DISTANCE  # noqa: E402
from shop.catalogue.models import ProductImage  # noqa: E402

SAMPLE = 200
NEAREST = """
SELECT image.file, near.distance ^ 2 / 2 FROM (
    SELECT image_id, embedding <-> %(vector)s::halfvec AS distance FROM {table}
    WHERE embedding IS NOT NULL ORDER BY embedding <-> %(vector)s::halfvec LIMIT 5) AS near
JOIN catalogue_productimage AS image ON image.id = near.image_id ORDER BY near.distance
"""


def encode(image: Image.Image, kind: str = "JPEG", quality: int = 85) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, quality=quality)
    return buffer.getvalue()


def crop_edges(image: Image.Image, share: float) -> Image.Image:
    x, y = round(image.width * share), round(image.height * share)
    return image.crop((x, y, image.width - x, image.height - y))


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG, quality 85": encode,
    "JPEG, quality 60": lambda image: encode(image, quality=60),
    "half the size": lambda image: encode(image.resize((image.width // 2, image.height // 2))),
    "2 % cut off each side": lambda image: encode(crop_edges(image, 0.02)),
    "5 % cut off each side": lambda image: encode(crop_edges(image, 0.05)),
    "5 % brighter": lambda image: encode(ImageEnhance.Brightness(image).enhance(1.05)),
    "white border of 5 %": lambda image: encode(
        ImageOps.expand(image, round(image.width * 0.05), "white")
    ),
}


def measure(model: EmbeddingModel, images: list[ProductImage]) -> dict[str, Any]:
    """Return, for each kind of copy, how often search finds the original, and how often another."""
    network, found = embedder(model), {}
    for kind, alter in COPIES.items():
        shares = {"among_five": 0, "same_picture": 0, "another_picture": 0}
        for image in images:
            with Image.open(BytesIO(image.read())) as opened:
                photo = prepare_photo(alter(opened.convert("RGB")), network.input_size)
            vector = str(network.embed(photo.views[:1])[0].tolist())
            with connection.cursor() as cursor:
                cursor.execute(NEAREST.format(table=model.table), {"vector": vector})
                rows = cursor.fetchall()
            first_file, first = rows[0]
            within = first <= SAME_IMAGE_DISTANCE * model.spread
            shares["among_five"] += image.file in [file for file, _distance in rows]
            shares["same_picture"] += within and first_file == image.file
            shares["another_picture"] += within and first_file != image.file
        found[kind] = {name: round(count / len(images), 3) for name, count in shares.items()}
    return found


def main() -> None:
    argument_parser(__doc__).parse_args()
    model, before = EmbeddingModel.objects.active(), environment()
    images = list(ProductImage.objects.order_by("file", "pk")[:SAMPLE])
    result = {"environment": before, "model": model.name, "copies": measure(model, images)}
    text = json.dumps(result, indent=1)
    (ROOT / "bench" / "results" / "duplicates.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
