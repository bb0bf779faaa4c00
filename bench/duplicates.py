"""Near-duplicates through the index, against comparing every picture with every other.

    python bench/duplicates.py

Once: both take minutes. What docs/quality/duplicates.md says of distances is counted here as well,
and what copies of 300 of the pictures measure. Prints one JSON object and writes it to
bench/results/duplicates.json. Needs an embedded catalogue; reads only.
"""

from __future__ import annotations

import json
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.db import connection  # noqa: E402
from PIL import Image  # noqa: E402

from bench.environment import environment  # noqa: E402
from bench.stored import stored  # noqa: E402
from recommender.duplicates.grouping import BATCH, connected, copies_of  # noqa: E402
from recommender.embedding.inference import embedder  # noqa: E402
from recommender.embedding.preprocessing import decode  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.search.similar import SAME  # noqa: E402
from shop.catalogue.models import ProductImage  # noqa: E402

BOUNDS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1)
SAMPLE = 300
# Share cut off each side, JPEG quality, scale.
COPIES = {"JPEG 92": (0, 92, 1), "JPEG 85": (0, 85, 1), "JPEG 60": (0, 60, 1),
          "twice the size": (0, 85, 2), "half the size": (0, 85, 0.5),
          "2 % cut off": (0.02, 85, 1), "5 % cut off": (0.05, 85, 1)}  # fmt: skip
Pairs = dict[tuple[int, int], float]


def load(model: EmbeddingModel) -> tuple[list[int], list[int], np.ndarray]:
    """Image ids, product ids and float32 vectors (n, 2048)."""
    with connection.cursor() as cursor:
        ids, products, vectors = stored(cursor, model.column)
    return ids.tolist(), products.tolist(), vectors.astype(np.float32)


def through_the_index(model: EmbeddingModel, ids: list[int]) -> Pairs:
    found: Pairs = {}
    for start in range(0, len(ids), BATCH):
        for one, other, distance in copies_of(model, ids[start : start + BATCH]):
            found[min(one, other), max(one, other)] = distance
    return found


def one_by_one(ids: list[int], products: list[int], vectors: np.ndarray) -> Pairs:
    squares = (vectors**2).sum(axis=1)
    found: Pairs = {}
    for start in range(0, len(ids), 1024):
        block = vectors[start : start + 1024]
        squared = (
            squares[start : start + 1024, None] + squares[start:] - 2 * block @ vectors[start:].T
        )
        for row, column in zip(*np.nonzero(squared < (max(BOUNDS) + 0.01) ** 2), strict=True):
            one, other = start + row, start + column
            if one < other and products[one] != products[other]:
                # A difference of large numbers says little about a small distance.
                found[ids[one], ids[other]] = float(np.linalg.norm(vectors[one] - vectors[other]))
    return found


def described(pairs: Pairs, product_of: dict[int, int]) -> list[dict[str, Any]]:
    rows = []
    for bound in BOUNDS:
        below = {
            tuple(sorted((product_of[a], product_of[b]))): distance
            for (a, b), distance in pairs.items() if distance < bound
        }  # fmt: skip
        groups = connected(below)  # type: ignore[arg-type]
        rows.append({
            "below": bound, "pairs": len(below), "groups": len(groups),
            "products": sum(len(group.products) for group in groups),
            "largest": max((len(group.products) for group in groups), default=0),
            "chains": sum(group.is_chain for group in groups),
        })  # fmt: skip
    return rows


def copy(content: bytes, cut: float, quality: int, scale: float) -> bytes:
    with Image.open(BytesIO(content)) as opened:
        image = opened.convert("RGB")
    x, y = round(image.width * cut), round(image.height * cut)
    image = image.crop((x, y, image.width - x, image.height - y))
    image = image.resize((round(image.width * scale), round(image.height * scale)))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def measure_copies(model: EmbeddingModel) -> dict[str, dict[str, float]]:
    network = embedder(model.name)
    images = ProductImage.objects.order_by("file", "pk")[:SAMPLE]
    contents = [image.read() for image in images]

    def vectors(pictures: list[bytes]) -> np.ndarray:
        return network.embed([decode(picture, network.side) for picture in pictures])

    originals, measured = vectors(contents), {}
    for name, how in COPIES.items():
        distances = vectors([copy(content, *how) for content in contents]) - originals
        distances = np.linalg.norm(distances.astype(np.float32), axis=1)
        quantiles = np.quantile(distances, [0.5, 0.9, 0.99]).round(3).tolist()
        row = dict(zip(("p50", "p90", "p99"), quantiles, strict=True))
        measured[name] = row | {"found": round(float((distances < SAME).mean()), 3)}
    return measured


def main() -> None:
    before = environment()
    model = EmbeddingModel.objects.active()
    ids, products, vectors = load(model)
    started = time.perf_counter()
    found = through_the_index(model, ids)
    by_index = time.perf_counter() - started
    started = time.perf_counter()
    exact = one_by_one(ids, products, vectors)
    one_each = time.perf_counter() - started
    copies = {pair for pair, distance in exact.items() if distance < SAME}
    result = {
        "environment": before, "pictures": len(ids), "model": model.name, "threshold": SAME,
        "seconds": {"index": round(by_index, 1), "rival: every pair": round(one_each, 1)},
        "pairs": {"exact": len(copies), "found of them": len(copies & found.keys()),
                  "others found": len(found.keys() - copies)},
        "groups": described(exact, dict(zip(ids, products, strict=True))),
        "copies": measure_copies(model),
    }  # fmt: skip
    text = json.dumps(result, indent=2)
    (ROOT / "bench" / "results" / "duplicates.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
