"""Images per second through Celery, PostgreSQL and the network, against two rivals.

    python bench/embed.py [--pictures 3000] [--rounds 5] [--whole]
        [--rival CHECKOUT --rival-folder VAR_DIR]

Needs an embedded catalogue. Each round forgets the embeddings of PICTURES images and waits until a
worker for ``catalogue`` has made them again; between the rounds it is the turn of OpenVINO on
arrays that are already in memory, so that a busy second falls on both, and of another checkout on a
database of its own (``--rival``). The rivals: that one, the best of OpenVINO's batch sizes, and
``model.predict`` one by one on the same pictures.

``--whole`` embeds the whole catalogue once and follows the worker's memory. Each is kept in
bench/results/embed.json under its name. ``bench/embed_split.py`` compares batches and threads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from bench.environment import environment  # noqa: E402
from bench.rivals import rival  # noqa: E402
from recommender.embedding import queue  # noqa: E402
from recommender.embedding import worker as pipeline  # noqa: E402
from recommender.embedding.inference import INFERENCE_BATCH, Embedder, embedder  # noqa: E402
from recommender.embedding.network import build_network  # noqa: E402
from recommender.embedding.preprocessing import decode, prepare  # noqa: E402
from recommender.garments.letterbox import Pixels  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.tasks import embed_pending_images  # noqa: E402
from shop.catalogue.models import ProductImage  # noqa: E402

RESULT = ROOT / "bench" / "results" / "embed.json"
SINGLE_PREDICTIONS = 100
# (batch, inferences at a time)
RAW = [(1, 1), (32, 1), (64, 1), (8, 2), (16, 2), (32, 2), (64, 2)]
RAW_SECONDS = 2
WORKER = ["celery", "-A", "config", "worker", "-Q", "catalogue", "-c", "1", "--without-gossip"]
# 9e8e8d9 looks for copies after a run: what is left of that is done before the rounds.
RIVAL = """
from contextlib import ExitStack
from bench.embed import *

model, stack = EmbeddingModel.objects.active(), ExitStack()
if "duplicates" in globals():
    duplicates.find_copies()
stack.enter_context(worker())
through_the_queue(model, 64)

def answer(count):
    return through_the_queue(model, count)
"""


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", *WORKER]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def forget(model: EmbeddingModel, count: int, images: Any = None) -> None:
    """Let so many images wait as if they had just come, or those with the keys ``images``."""
    if images is None:
        images = ProductImage.objects.order_by("pk").values("pk")[:count]
    model.embeddings.filter(image__in=images).update(
        embedding=None, duplicate_group=None, status="pending"
    )
    with connection.cursor() as cursor:  # or the dead rows of one round slow the next
        cursor.execute(f"VACUUM {model.table}")


def through_the_queue(model: EmbeddingModel, count: int) -> float:
    """Return images per second, from the task to the last embedding."""
    if queue.pending(model).count() < count:
        forget(model, count)
    started = time.perf_counter()
    embed_pending_images.delay()
    deadline = time.monotonic() + 1800
    while queue.pending(model).exists():
        if time.monotonic() > deadline:
            raise SystemExit("The worker did not finish in half an hour.")
        time.sleep(0.05)
    return count / (time.perf_counter() - started)


def raw_openvino(network: Embedder, pixels: list[Pixels], batch: int, streams: int) -> float:
    """Images per second on arrays in memory, so many inferences at a time."""
    starts = range(0, len(pixels) - batch + 1, batch)
    arrays = [np.stack(pixels[i : i + batch]).astype(np.float32) for i in starts]

    def run_until(stop: float) -> int:
        done = 0
        while time.perf_counter() < stop:
            network.run(arrays[done // batch % len(arrays)])
            done += batch
        return done

    with ThreadPoolExecutor(streams) as threads:
        list(threads.map(network.run, [arrays[0]] * streams))
        started = time.perf_counter()
        done = sum(threads.map(run_until, [started + RAW_SECONDS] * streams))
        return done / (time.perf_counter() - started)


def predict_one_by_one(network: Embedder, contents: list[bytes]) -> float:
    """The paper's loop: decode and ``model.predict`` for each picture."""
    keras_model = build_network(network.folder)
    keras_model.predict(decode(contents[0], network.input_size)[None].astype(np.float32), verbose=0)
    started = time.perf_counter()
    for content in contents:
        keras_model.predict(decode(content, network.input_size)[None].astype(np.float32), verbose=0)
    return len(contents) / (time.perf_counter() - started)


def rounds(
    model: EmbeddingModel, count: int, number: int, ask: Callable[..., float] | None
) -> dict[str, Any]:
    contents = [image.read() for image in ProductImage.objects.order_by("pk")[:1024]]
    network = embedder(model)
    pixels = [decode(content, network.input_size) for content in contents]
    networks = {streams: embedder(model, streams) for _batch, streams in RAW}
    ways = {(b, n): raw_openvino(networks[n], pixels, b, n) for b, n in RAW}
    best = max(ways, key=lambda way: ways[way])
    ours, raw, theirs = [], [], []
    with worker():
        through_the_queue(model, 64)  # it loads its network
        for _ in range(number):
            ours.append(through_the_queue(model, count))
            raw.append(raw_openvino(networks[best[1]], pixels, *best))
            theirs += [ask(count)] if ask else []
    one_by_one = predict_one_by_one(network, contents[:SINGLE_PREDICTIONS])
    against = {}
    if theirs:
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        against = {"rival": spread(theirs), "of_rival": spread(ratios, digits=3)}
    return {
        "pictures_a_round": count,
        "precision": settings.NETWORK_PRECISION,
        "through_the_queue": spread(ours),
        "raw_openvino": {"best_batch": best[0], "at_a_time": best[1], **spread(raw)},
        "raw_openvino_by_way": {
            f"{batch} x {streams}": round(rate, 1) for (batch, streams), rate in ways.items()
        },
        "of_raw_openvino": spread([a / b for a, b in zip(ours, raw, strict=True)], digits=3),
        **against,
        "predict_one_by_one": round(one_by_one, 1),
        "times_predict": round(median(ours) / one_by_one, 1),
        "cpu_ms_a_picture": cpu_by_stage(model, network),
    }


def spread(values: list[float], digits: int = 1) -> dict[str, Any]:
    ends = [round(end, digits) for end in (min(values), max(values))]
    return {"median": round(median(values), digits), "spread": ends, "rounds": len(values)}


def cpu_by_stage(model: EmbeddingModel, network: Embedder, count: int = 1024) -> dict[str, float]:
    """Milliseconds of all cores for a picture, the stages one after the other in this process.

    ``postgres`` is what the server spends on all of them, with the index.
    """
    forget(model, count)
    spent = dict.fromkeys(("claim", "read", "prepare", "network", "write", "postgres"), 0.0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    clock, server = time.process_time, cpu_of(backend)

    def timed(stage: str, work: Any, *arguments: Any) -> Any:
        started = clock()
        result = work(*arguments)
        spent[stage] += clock() - started
        return result

    cursor = queue.ClaimCursor(model)
    while claimed := timed("claim", cursor.claim):
        contents = timed("read", pipeline._read, [file for _id, file in claimed])
        prepared = [
            timed("prepare", prepare, contents[f], network.input_size) for _id, f in claimed
        ]
        vectors = timed("network", network.embed, [one.pixels for one in prepared])
        parts = zip(claimed, prepared, vectors, strict=True)
        timed("write", pipeline._write, model, [pipeline.Row(*one, *rest) for one, *rest in parts])
    spent["postgres"] = cpu_of(backend) - server
    return {stage: round(seconds * 1000 / count, 3) for stage, seconds in spent.items()}


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def whole(model: EmbeddingModel) -> dict[str, Any]:
    """Once over everything, and the worker's memory: its processes together, every second."""
    way = (INFERENCE_BATCH, pipeline.INFERENCE_STREAMS)
    network = embedder(model, pipeline.INFERENCE_STREAMS)
    some = [image.read() for image in ProductImage.objects.order_by("pk")[:512]]
    pixels = [decode(content, network.input_size) for content in some]
    count = ProductImage.objects.count()
    samples: list[tuple[float, float]] = []
    left: list[tuple[float, int]] = []
    raw = [raw_openvino(network, pixels, *way) for _ in range(3)]
    with worker() as process:
        through_the_queue(model, 64)
        forget(model, count)
        stop = Event()
        sampler = Thread(target=follow, args=(process.pid, model, samples, left, stop))
        sampler.start()
        rate = through_the_queue(model, count)
        stop.set()
        sampler.join()
    raw += [raw_openvino(network, pixels, *way) for _ in range(3)]
    return {
        "pictures": count,
        "precision": settings.NETWORK_PRECISION,
        "through_the_queue": round(rate, 1),
        "fifths": fifths(left),
        "raw_openvino_before_and_after": spread(raw),
        "of_raw_openvino": round(rate / median(raw), 3),
        "memory_mb": memory(samples, rate),
    }


def memory(samples: list[tuple[float, float]], rate: float) -> dict[str, Any]:
    half = np.array(samples[len(samples) // 2 :])
    slope = np.polyfit(half[:, 0], half[:, 1], 1)[0]  # MB a second
    sizes = [size for _second, size in samples]
    return {
        "at_quarters": [round(sizes[(len(sizes) - 1) * q // 4]) for q in range(5)],
        "peak": round(max(sizes)),
        "last_half_mb_per_1000_pictures": round(float(slope) * 1000 / rate, 3),
    }


def fifths(left: list[tuple[float, int]]) -> list[float]:
    """Images per second in each fifth of the time."""
    ends = [left[(len(left) - 1) * n // 5] for n in range(6)]
    return [round((a[1] - b[1]) / (b[0] - a[0]), 1) for a, b in pairwise(ends)]


def follow(
    pid: int,
    model: EmbeddingModel,
    samples: list[tuple[float, float]],
    left: list[tuple[float, int]],
    stop: Event,
) -> None:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while not stop.wait(1):
        pids = [str(pid), *children.read_text().split()]
        samples.append((time.perf_counter(), sum(map(resident_mb, pids))))
        if len(samples) % 10 == 1:
            left.append((time.perf_counter(), queue.pending(model).count()))
    connection.close()


def resident_mb(pid: str) -> float:
    """Shared pages count in full for each process: an upper bound."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--rival", type=Path)
    parser.add_argument("--rival-folder", type=Path)
    options = parser.parse_args()
    model = EmbeddingModel.objects.active()
    machine = environment()
    if options.whole:
        name, found = "whole", whole(model)
    else:
        name = settings.NETWORK_PRECISION
        with ExitStack() as stack:
            ask = None
            if options.rival:
                ask = stack.enter_context(rival(options.rival, options.rival_folder, RIVAL))
            found = rounds(model, options.pictures, options.rounds, ask)
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    kept[name] = {**found, "environment": machine}
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
