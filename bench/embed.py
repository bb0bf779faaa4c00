"""Images per second through Celery, PostgreSQL and the network, against two rivals.

    python bench/embed.py [PICTURES]

Needs an imported catalogue; forgets the vectors of PICTURES pictures, starts a worker for
``catalogue`` and waits until they have vectors again. Rivals in the same run: ``model.predict``
one by one on the same pictures, and OpenVINO on arrays that are already in memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402

from bench.environment import environment  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.network import build_network  # noqa: E402
from recommender.pending import pending  # noqa: E402
from recommender.preprocessing import decode  # noqa: E402
from recommender.runtime import Embedder, embedder  # noqa: E402
from recommender.tasks import embed_pending_images  # noqa: E402
from shop.catalogue.models import ProductImage  # noqa: E402

ONE_BY_ONE = 100
WORKER = ["celery", "-A", "config", "worker", "-Q", "catalogue", "-c", "1", "--without-gossip"]


def through_the_queue(model: EmbeddingModel, count: int) -> float:
    """Images per second from the first vector to the last, the worker already warm."""
    worker = subprocess.Popen(
        [sys.executable, "-m", *WORKER],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        forget(model, 64)
        wait(model)  # the worker loads its network
        forget(model, count)
        started = time.perf_counter()
        embed_pending_images.delay()
        wait(model)
        return count / (time.perf_counter() - started)
    finally:
        worker.terminate()
        worker.wait(60)


def forget(model: EmbeddingModel, count: int) -> None:
    ids = ProductImage.objects.order_by("pk").values("pk")[:count]
    ProductImage.objects.filter(pk__in=ids).update(**{model.column: None})
    embed_pending_images.delay()


def wait(model: EmbeddingModel) -> None:
    deadline = time.monotonic() + 900
    while pending(model).exists():
        if time.monotonic() > deadline:
            raise SystemExit("The worker did not finish in 15 minutes.")
        time.sleep(0.05)


def raw_openvino(network: Embedder, pixels: list[np.ndarray]) -> float:
    batches = [
        pixels[i : i + settings.EMBED_BATCH] for i in range(0, len(pixels), settings.EMBED_BATCH)
    ]
    arrays = [np.stack(batch).astype(np.float32) for batch in batches]
    network.run(arrays[0])
    started = time.perf_counter()
    for array in arrays:
        network.run(array)
    return len(pixels) / (time.perf_counter() - started)


def predict_one_by_one(network: Embedder, contents: list[bytes]) -> float:
    """The paper's loop: decode and ``model.predict`` for each picture."""
    keras_model = build_network(network.folder)
    keras_model.predict(decode(contents[0], network.side)[None].astype(np.float32), verbose=0)
    started = time.perf_counter()
    for content in contents:
        keras_model.predict(decode(content, network.side)[None].astype(np.float32), verbose=0)
    return len(contents) / (time.perf_counter() - started)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    model = EmbeddingModel.objects.active()
    result: dict[str, Any] = {"environment": environment(), "pictures": count}
    result["through_the_queue"] = through_the_queue(model, count)
    contents = [image.read() for image in ProductImage.objects.order_by("pk")[:1024]]
    network = embedder(model.name)
    result["raw_openvino"] = raw_openvino(network, [decode(c, network.side) for c in contents])
    result["predict_one_by_one"] = predict_one_by_one(network, contents[:ONE_BY_ONE])
    result["of_raw_openvino"] = result["through_the_queue"] / result["raw_openvino"]
    result["times_predict"] = result["through_the_queue"] / result["predict_one_by_one"]
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in result.items()}
    text = json.dumps(rounded, indent=1)
    (ROOT / "bench" / "results" / "embed.json").write_text(text + "\n")
    print(text)
