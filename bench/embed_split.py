"""Compare settings of the embedding pipeline: batch size, threads, the JPEG decoder's scaling.

    python bench/embed_split.py [--pictures 1000] [--large 300] [--rounds 3]

Runs ``embed_pending`` in this process with one setting after the other, ROUNDS times, and compares
the settings with each other. The ``large`` images are JPEGs of 1,500 x 2,000 pixels, enlarged from
images of the catalogue. They are added to the database and deleted at the end.
"""

from __future__ import annotations

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

from bench.arguments import argument_parser  # noqa: E402
from bench.embed import reset_embeddings, spread  # noqa: E402
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
DEFAULTS = {
    "batch": settings.EMBED_BATCH,
    "streams": worker.INFERENCE_STREAMS,
    "decoders": worker.DECODERS,
}
SETTINGS = [
    DEFAULTS,
    {**DEFAULTS, "batch": 16},
    {**DEFAULTS, "batch": 32},
    {**DEFAULTS, "batch": 128},
    {**DEFAULTS, "streams": 1},
    {**DEFAULTS, "decoders": 1},
]
LARGE_SETTINGS = [
    {**DEFAULTS, "draft_scaling": True},
    {**DEFAULTS, "draft_scaling": True, "decoders": 1},
    {**DEFAULTS, "draft_scaling": False},
]


def prepare_full_size(content: bytes, side: int) -> Prepared:
    """Prepare an image without letting the JPEG decoder scale it down."""
    image = upright_rgb(Image.open(BytesIO(content)))
    return Prepared(fit(image, side), garment_colour(image))


def apply_setting(setting: dict[str, Any]) -> None:
    """Set the batch size, the numbers of threads and the decoder's scaling in this process."""
    settings.EMBED_BATCH, worker.INFERENCE_STREAMS = setting["batch"], setting["streams"]
    worker.DECODERS = setting["decoders"]
    scaled = setting.get("draft_scaling", True)
    worker.prepare = preprocessing.prepare if scaled else prepare_full_size


def compare(
    model: EmbeddingModel, configurations: list[dict[str, Any]], reset: Any, rounds: int
) -> list[dict[str, Any]]:
    """Return the images per second of each configuration.

    ``reset`` is called before each run and makes the images pending.
    """
    rates: list[list[float]] = [[] for _ in configurations]
    for _ in range(rounds):
        for configuration, own_rates in zip(configurations, rates, strict=True):
            apply_setting(configuration)
            inference.embedder(model, configuration["streams"])
            reset()
            started = time.perf_counter()
            outcome = worker.embed_pending(model)
            own_rates.append(outcome.embedded / (time.perf_counter() - started))
    return [
        {**configuration, "pictures_per_second": spread(own_rates)}
        for configuration, own_rates in zip(configurations, rates, strict=True)
    ]


@contextmanager
def large_images(count: int) -> Any:
    """Add images with large files; yield their primary keys and files; delete them at the end."""
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
    """Return the median CPU time to prepare an image, with and without the decoder's scaling."""
    functions = {"draft_scaling": preprocessing.prepare, "full_size": prepare_full_size}
    found: dict[str, float] = {}
    for name, function in functions.items():
        times = []
        for content in contents:
            started = time.thread_time()
            function(content, side)
            times.append((time.thread_time() - started) * 1000)
        found[name] = round(median(times), 2)
    return found


def main() -> None:
    parser = argument_parser(__doc__)
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
    result["catalogue"] = compare(
        model, SETTINGS, lambda: reset_embeddings(model, options.pictures), options.rounds
    )
    with large_images(options.large) as (keys, files):
        stored = [file.content for file in files]
        result["prepare_cpu_ms"]["large"] = prepare_ms(stored[:40], side)
        result["large_bytes"] = round(median(len(content) for content in stored))

        def reset_large() -> None:
            reset_embeddings(model, options.large, keys)

        result["large"] = compare(model, LARGE_SETTINGS, reset_large, options.rounds)
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    kept[settings.NETWORK_PRECISION] = result
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
