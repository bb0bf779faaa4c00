"""Measure images embedded per second through Celery, PostgreSQL and the neural network.

    python bench/embed.py [--pictures 3000] [--rounds 5] [--whole]
        [--rival CHECKOUT --rival-folder VAR_DIR]

Needs an embedded catalogue. Each round resets the embeddings of PICTURES images and waits until a
worker of the queue ``catalogue`` has computed them again. Two things are measured after each round
for comparison, so that other work on the machine slows them as much as the round:

- ``raw_openvino``: OpenVINO on arrays that are already in memory, at its best batch size.
- ``rival``: another checkout (``--rival``) on a database of its own (``--rival-folder``).

As a third comparison, Keras's ``model.predict`` is timed once, with one image at a time.

``--whole`` instead embeds the whole catalogue once and samples the worker's memory. The result is
stored in bench/results/embed.json as ``whole``; that of the rounds is stored under the precision of
the network, such as ``f32``. ``bench/embed_split.py`` compares batch sizes and numbers of threads.
"""

from __future__ import annotations

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

from bench.arguments import argument_parser  # noqa: E402
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
# OpenVINO is timed with these pairs of a batch size and a number of concurrent inferences.
RAW_SETTINGS = [(1, 1), (32, 1), (64, 1), (8, 2), (16, 2), (32, 2), (64, 2)]
RAW_SECONDS = 2
WORKER = ["celery", "-A", "config", "worker", "-Q", "catalogue", "-c", "1", "--without-gossip"]
# The code that the rival checkout runs. Version 0.1 searches for duplicates after embedding; this
# search is finished before the rounds, so that no round includes its time.
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
    """Run a Celery worker for the queue ``catalogue``."""
    command = [sys.executable, "-m", *WORKER]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def reset_embeddings(model: EmbeddingModel, count: int, images: Any = None) -> None:
    """Remove the embeddings of ``count`` images, or of those with the keys ``images``.

    The images are pending afterwards.
    """
    if images is None:
        images = ProductImage.objects.order_by("pk").values("pk")[:count]
    model.embeddings.filter(image__in=images).update(
        embedding=None, duplicate_group=None, status="pending"
    )
    with connection.cursor() as cursor:  # VACUUM, because dead rows would slow the next round
        cursor.execute(f"VACUUM {model.table}")


def through_the_queue(model: EmbeddingModel, count: int) -> float:
    """Let the worker embed ``count`` images; return images per second.

    The time runs from sending the task until no image is pending.
    """
    if queue.pending(model).count() < count:
        reset_embeddings(model, count)
    started = time.perf_counter()
    embed_pending_images.delay()
    deadline = time.monotonic() + 1800
    while queue.pending(model).exists():
        if time.monotonic() > deadline:
            raise SystemExit("The worker did not finish in half an hour.")
        time.sleep(0.05)
    return count / (time.perf_counter() - started)


def raw_openvino(network: Embedder, pixels: list[Pixels], batch: int, streams: int) -> float:
    """Return OpenVINO's images per second on arrays in memory, with ``streams`` threads."""
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
    """Decode each image and call ``model.predict``, one image at a time; return images per second.

    The paper's prototype embeds its images in this way.
    """
    keras_model = build_network(network.folder)
    keras_model.predict(decode(contents[0], network.input_size)[None].astype(np.float32), verbose=0)
    started = time.perf_counter()
    for content in contents:
        keras_model.predict(decode(content, network.input_size)[None].astype(np.float32), verbose=0)
    return len(contents) / (time.perf_counter() - started)


def measure_rounds(
    model: EmbeddingModel, count: int, rounds: int, ask_rival: Callable[..., float] | None
) -> dict[str, Any]:
    """Embed ``count`` images per round; after each, time raw OpenVINO and the rival checkout."""
    contents = [image.read() for image in ProductImage.objects.order_by("pk")[:1024]]
    network = embedder(model)
    pixels = [decode(content, network.input_size) for content in contents]
    networks = {streams: embedder(model, streams) for _batch, streams in RAW_SETTINGS}
    raw_rates = {(b, n): raw_openvino(networks[n], pixels, b, n) for b, n in RAW_SETTINGS}
    best = max(raw_rates, key=lambda setting: raw_rates[setting])
    rates, raw, rival_rates = [], [], []
    with worker():
        through_the_queue(model, 64)  # warm-up: the worker loads its network
        for _ in range(rounds):
            rates.append(through_the_queue(model, count))
            raw.append(raw_openvino(networks[best[1]], pixels, *best))
            rival_rates += [ask_rival(count)] if ask_rival else []
    one_by_one = predict_one_by_one(network, contents[:SINGLE_PREDICTIONS])
    against = {}
    if rival_rates:
        ratios = [a / b for a, b in zip(rates, rival_rates, strict=True)]
        against = {"rival": spread(rival_rates), "of_rival": spread(ratios, digits=3)}
    return {
        "pictures_a_round": count,
        "precision": settings.NETWORK_PRECISION,
        "through_the_queue": spread(rates),
        "raw_openvino": {"best_batch": best[0], "at_a_time": best[1], **spread(raw)},
        "raw_openvino_by_setting": {
            f"{batch} x {streams}": round(rate, 1) for (batch, streams), rate in raw_rates.items()
        },
        "of_raw_openvino": spread([a / b for a, b in zip(rates, raw, strict=True)], digits=3),
        **against,
        "predict_one_by_one": round(one_by_one, 1),
        "times_predict": round(median(rates) / one_by_one, 1),
        "cpu_ms_a_picture": cpu_by_stage(model, network),
    }


def spread(values: list[float], digits: int = 1) -> dict[str, Any]:
    """Return the median, the lowest and the highest value, and the number of values (rounds)."""
    ends = [round(end, digits) for end in (min(values), max(values))]
    return {"median": round(median(values), digits), "spread": ends, "rounds": len(values)}


def cpu_by_stage(model: EmbeddingModel, network: Embedder, count: int = 1024) -> dict[str, float]:
    """Return CPU milliseconds per image for each stage of embedding.

    The stages run one after the other in this process. ``postgres`` is the CPU time of the database
    server in all stages, index maintenance included.
    """
    reset_embeddings(model, count)
    spent = dict.fromkeys(("claim", "read", "prepare", "network", "write", "postgres"), 0.0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    clock, server = time.process_time, cpu_seconds(backend)

    def run(stage: str, work: Any, *arguments: Any) -> Any:
        started = clock()
        result = work(*arguments)
        spent[stage] += clock() - started
        return result

    cursor = queue.ClaimCursor(model)
    while claimed := run("claim", cursor.claim):
        contents = run("read", pipeline._read, [file for _id, file in claimed])
        prepared = [run("prepare", prepare, contents[f], network.input_size) for _id, f in claimed]
        vectors = run("network", network.embed, [one.pixels for one in prepared])
        parts = zip(claimed, prepared, vectors, strict=True)
        run("write", pipeline._write, model, [pipeline.Row(*one, *rest) for one, *rest in parts])
    spent["postgres"] = cpu_seconds(backend) - server
    return {stage: round(seconds * 1000 / count, 3) for stage, seconds in spent.items()}


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_whole(model: EmbeddingModel) -> dict[str, Any]:
    """Embed the whole catalogue once and sample the memory of the worker's processes."""
    setting = (INFERENCE_BATCH, pipeline.INFERENCE_STREAMS)
    network = embedder(model, pipeline.INFERENCE_STREAMS)
    some = [image.read() for image in ProductImage.objects.order_by("pk")[:512]]
    pixels = [decode(content, network.input_size) for content in some]
    count = ProductImage.objects.count()
    samples: list[tuple[float, float]] = []
    left: list[tuple[float, int]] = []
    raw = [raw_openvino(network, pixels, *setting) for _ in range(3)]
    with worker() as process:
        through_the_queue(model, 64)
        reset_embeddings(model, count)
        stop = Event()
        sampler = Thread(target=sample_worker, args=(process.pid, model, samples, left, stop))
        sampler.start()
        rate = through_the_queue(model, count)
        stop.set()
        sampler.join()
    raw += [raw_openvino(network, pixels, *setting) for _ in range(3)]
    return {
        "pictures": count,
        "precision": settings.NETWORK_PRECISION,
        "through_the_queue": round(rate, 1),
        "fifths": fifths(left),
        "raw_openvino_before_and_after": spread(raw),
        "of_raw_openvino": round(rate / median(raw), 3),
        "memory_mb": summarise_memory(samples, rate),
    }


def summarise_memory(samples: list[tuple[float, float]], rate: float) -> dict[str, Any]:
    """Return the memory at the quarters of the run and its growth in the second half."""
    half = np.array(samples[len(samples) // 2 :])
    slope = np.polyfit(half[:, 0], half[:, 1], 1)[0]  # MB a second
    sizes = [size for _second, size in samples]
    return {
        "at_quarters": [round(sizes[(len(sizes) - 1) * q // 4]) for q in range(5)],
        "peak": round(max(sizes)),
        "last_half_mb_per_1000_pictures": round(float(slope) * 1000 / rate, 3),
    }


def fifths(left: list[tuple[float, int]]) -> list[float]:
    """Return images per second in each fifth of the run."""
    ends = [left[(len(left) - 1) * n // 5] for n in range(6)]
    return [round((a[1] - b[1]) / (b[0] - a[0]), 1) for a, b in pairwise(ends)]


def sample_worker(
    pid: int,
    model: EmbeddingModel,
    samples: list[tuple[float, float]],
    left: list[tuple[float, int]],
    stop: Event,
) -> None:
    """Sample the worker until ``stop`` is set.

    Its memory goes to ``samples`` every second, the number of pending images to ``left`` every ten
    seconds.
    """
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while not stop.wait(1):
        pids = [str(pid), *children.read_text().split()]
        samples.append((time.perf_counter(), sum(map(resident_mb, pids))))
        if len(samples) % 10 == 1:
            left.append((time.perf_counter(), queue.pending(model).count()))
    connection.close()


def resident_mb(pid: str) -> float:
    """Return a process's resident memory in MB, including pages shared with other processes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--rival", type=Path)
    parser.add_argument("--rival-folder", type=Path)
    options = parser.parse_args()
    model = EmbeddingModel.objects.active()
    described = environment()
    if options.whole:
        name, found = "whole", measure_whole(model)
    else:
        name = settings.NETWORK_PRECISION
        with ExitStack() as stack:
            ask_rival = None
            if options.rival:
                ask_rival = stack.enter_context(rival(options.rival, options.rival_folder, RIVAL))
            found = measure_rounds(model, options.pictures, options.rounds, ask_rival)
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    kept[name] = {**found, "environment": described}
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
