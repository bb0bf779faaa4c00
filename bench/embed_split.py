"""What the pipeline's numbers are worth: batch, threads, and the JPEG decoder's own shrinking.

    python bench/embed_split.py [--pictures 1000] [--large 300] [--rounds 3]

Runs ``embed_pending`` in this process on the active database, each choice ROUNDS times in turn.
The rival of each choice is the others. ``large`` are drawn JPEGs of 1,500 x 2,000 pixels, enlarged
from the catalogue's own; they are rows of their own and removed at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.conf import settings  # noqa: E402

from bench.embed import forget, spread  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.embedding import inference, preprocessing, worker  # noqa: E402
from recommender.embedding.preprocessing import Prepared  # noqa: E402
from recommender.garments.colour import garment_colour  # noqa: E402
from recommender.garments.letterbox import fit  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from shop.catalogue.images.conversion import upright_rgb  # noqa: E402
from shop.catalogue.models import ProductImage, StoredFile  # noqa: E402

RESULT = ROOT / "bench" / "results" / "embed_split.json"
LARGE = (1500, 2000)
AS_IT_IS = {
    "batch": settings.EMBED_BATCH,
    "streams": worker.INFERENCE_STREAMS,
    "decoders": worker.DECODERS,
}
CHOICES = [
    AS_IT_IS,
    {**AS_IT_IS, "batch": 16},
    {**AS_IT_IS, "batch": 32},
    {**AS_IT_IS, "batch": 128},
    {**AS_IT_IS, "streams": 1},
    {**AS_IT_IS, "decoders": 1},
]
LARGE_CHOICES = [
    {**AS_IT_IS, "shrinking": True},
    {**AS_IT_IS, "shrinking": True, "decoders": 1},
    {**AS_IT_IS, "shrinking": False},
]


def without_shrinking(content: bytes, side: int) -> Prepared:
    image = upright_rgb(Image.open(BytesIO(content)))
    return Prepared(fit(image, side), garment_colour(image))


def choose(choice: dict[str, Any]) -> None:
    settings.EMBED_BATCH, worker.INFERENCE_STREAMS = choice["batch"], choice["streams"]
    worker.DECODERS = choice["decoders"]
    shrinking = choice.get("shrinking", True)
    worker.prepare = preprocessing.prepare if shrinking else without_shrinking


def rates(
    model: EmbeddingModel, choices: list[dict[str, Any]], forget_all: Any, rounds: int
) -> list[dict[str, Any]]:
    found: list[list[float]] = [[] for _ in choices]
    for _ in range(rounds):
        for place, choice in enumerate(choices):
            choose(choice)
            inference.embedder(model, choice["streams"])
            forget_all()
            started = time.perf_counter()
            outcome = worker.embed_pending(model)
            found[place].append(outcome.embedded / (time.perf_counter() - started))
    return [
        {**choice, "pictures_per_second": spread(some)}
        for choice, some in zip(choices, found, strict=True)
    ]


@contextmanager
def large_pictures(count: int) -> Any:
    """So many rows with large files, at the end of the catalogue; their keys."""
    generator = np.random.default_rng(7)
    sources = list(ProductImage.objects.order_by("pk")[:count])
    files, images = [], []
    for number, source in enumerate(sources):
        picture = Image.open(BytesIO(source.read())).convert("RGB").resize(LARGE)
        grain = generator.normal(0, 4, (LARGE[1], LARGE[0], 1))
        pixels = (np.asarray(picture) + grain).clip(0, 255).astype(np.uint8)
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
        name = f"bench-large-{number}.jpg"
        files.append(StoredFile(name=name, content=buffer.getvalue(), size=buffer.tell()))
        place = {"product_id": source.product_id, "position": 99}
        images.append(ProductImage(file=name, width=LARGE[0], height=LARGE[1], **place))
    names = [file.name for file in files]
    try:
        StoredFile.objects.bulk_create(files, batch_size=50)
        keys = [image.pk for image in ProductImage.objects.bulk_create(images)]
        yield keys, files
    finally:
        ProductImage.objects.filter(file__in=names).delete()
        StoredFile.objects.filter(pk__in=names).delete()


def prepare_ms(contents: list[bytes], side: int) -> dict[str, float]:
    """Return the CPU time to prepare one, with and without the decoder's shrinking."""
    ways = {"shrinking": preprocessing.prepare, "whole": without_shrinking}
    found: dict[str, float] = {}
    for name, way in ways.items():
        times = []
        for content in contents:
            started = time.thread_time()
            way(content, side)
            times.append((time.thread_time() - started) * 1000)
        found[name] = round(median(times), 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--large", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    model = EmbeddingModel.objects.active()
    side = inference.embedder(model).input_size
    result: dict[str, Any] = {"bench": "embed_split", "environment": environment()}
    result["precision"] = settings.NETWORK_PRECISION
    small = [image.read() for image in ProductImage.objects.order_by("pk")[:200]]
    result["prepare_cpu_ms"] = {"catalogue": prepare_ms(small, side)}
    result["catalogue"] = rates(
        model, CHOICES, lambda: forget(model, options.pictures), options.rounds
    )
    with large_pictures(options.large) as (keys, files):
        stored = [file.content for file in files]
        result["prepare_cpu_ms"]["large"] = prepare_ms(stored[:40], side)
        result["large_bytes"] = round(median(len(content) for content in stored))

        def forget_large() -> None:
            forget(model, options.large, keys)

        result["large"] = rates(model, LARGE_CHOICES, forget_large, options.rounds)
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    kept[settings.NETWORK_PRECISION] = result
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
