"""Measure what inference at a lower precision gains in speed and loses in precision at 5.

    python bench/precision.py IDS [CALIBRATION]

Needs the real catalogue with embeddings of 32-bit inference, which it only reads. IDS is a text
file with the ids of the products to query, one per line. The lower precisions are compared with
``f32``, OpenVINO with 32-bit floats. ``bf16`` is measured only if the CPU supports it. ``int8`` is
quantised by nncf (requirements-bench.txt) with CALIBRATION images of the catalogue that are not
queries.

Precision at 5 is measured with the embeddings of the lower precision for queries and catalogue
(``both``), for the queries only (as if only the workers of photo search used that precision), and
for the catalogue only. Prints one JSON object and writes it to bench/results/precision.json.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

import openvino  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.environment import environment  # noqa: E402
from recommender.embedding.inference import Vectors, _exported  # noqa: E402
from recommender.embedding.model_store import model_folder  # noqa: E402
from recommender.embedding.preprocessing import decode  # noqa: E402
from recommender.garments.letterbox import Pixels  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from shop.catalogue.models import StoredFile  # noqa: E402

RESULT = ROOT / "bench" / "results" / "precision.json"
LABELS = ("article_type", "base_colour", "gender", "usage")
BATCH = 64
REPETITIONS = 7
SECONDS = 2.0


def read_catalogue(model: EmbeddingModel) -> tuple[list[tuple[Any, ...]], Vectors]:
    """Return the products as (external id, file, article type, colour, gender, usage), and vectors.

    The file and the vector of a product are those of its first image.
    """
    rows = model.embeddings.filter(image__position=0, status="embedded").order_by("pk")
    names = ("product__external_id", "image__file", "category__name", "base_colour", "gender")
    found = list(rows.values_list(*names, "product__usage", "embedding"))
    vectors = np.array([row[-1] for row in found], dtype=np.float32)
    return [row[:-1] for row in found], vectors


def read_pixels(files: list[str], side: int) -> list[Pixels]:
    pixels: list[Pixels] = []
    with ThreadPoolExecutor(2) as threads:
        for start in range(0, len(files), 1000):
            names = files[start : start + 1000]
            stored = StoredFile.objects.in_bulk(names)
            contents = [bytes(stored[name].content) for name in names]
            pixels += threads.map(lambda content: decode(content, side), contents)
    return pixels


def compile_all(network: openvino.Model, calibration: list[Pixels]) -> dict[str, Any]:
    """Return the network compiled for each precision that this CPU supports."""
    core = openvino.Core()
    capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")

    def compiled(model: openvino.Model, precision: str) -> Any:
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        return core.compile_model(model, "CPU", options)

    networks = {"f32": compiled(network, "f32")}
    if "BF16" in capabilities:
        networks["bf16"] = compiled(network, "bf16")
    networks["int8"] = compiled(quantise(network, calibration), "f32")
    return networks


def quantise(network: openvino.Model, calibration: list[Pixels]) -> openvino.Model:
    import nncf

    data = nncf.Dataset(calibration, lambda pixels: pixels[None].astype(np.float32))
    return nncf.quantize(network, data, subset_size=len(calibration))


def measure_speed(networks: dict[str, Any], pixels: list[Pixels]) -> dict[str, Any]:
    """Time the networks in turns, so that other work on the machine slows all of them.

    Returns images per second in batches, and the milliseconds of a single image.
    """
    batch, single = (np.stack(pixels[:n]).astype(np.float32) for n in (BATCH, 1))
    rates: dict[str, list[float]] = {name: [] for name in networks}
    alone: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(REPETITIONS):
        for name, network in networks.items():
            network(batch)
            rates[name].append(BATCH / _seconds_each(network, batch))
            network(single)
            alone[name].append(_seconds_each(network, single) * 1000)
    return {
        name: {
            "images_per_second": round(median(rates[name]), 1),
            "spread": [round(min(rates[name]), 1), round(max(rates[name]), 1)],
            "times_f32": round(median(rates[name]) / median(rates["f32"]), 2),
            "one_picture_ms": round(median(alone[name]), 1),
        }
        for name in networks
    }


def _seconds_each(network: Any, array: np.ndarray) -> float:
    started, runs = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS / 2:
        network(array)
        runs += 1
    return (time.perf_counter() - started) / runs


def embed(network: Any, pixels: list[Pixels]) -> Vectors:
    """Return the images' embeddings, rounded to 16-bit floats as the shop stores them."""
    starts = range(0, len(pixels), BATCH)
    parts = [
        np.array(network(np.stack(pixels[i : i + BATCH]).astype(np.float32))[0]) for i in starts
    ]
    return np.concatenate(parts).astype(np.float16).astype(np.float32)


def nearest(queries: Vectors, catalogue: Vectors, own: np.ndarray) -> tuple[Any, Any]:
    """Return the rows of the five vectors nearest to each query, and their distances.

    ``own`` is the row of each query in the catalogue, which is left out of its result.
    """
    squares = (catalogue**2).sum(1)
    distances = squares + (queries**2).sum(1)[:, None] - 2 * queries @ catalogue.T
    distances[np.arange(len(own)), own] = np.inf
    five = np.argsort(distances, axis=1, kind="stable")[:, :5]
    return five, np.sqrt(np.maximum(np.take_along_axis(distances, five, 1), 0))


def precision_at_5(labels: np.ndarray, own: np.ndarray, five: np.ndarray) -> dict[str, float]:
    same = labels[five] == labels[own][:, None, :]
    return {name: float(same[:, :, i].mean()) for i, name in enumerate(LABELS)}


def measure_quality(
    labels: np.ndarray, own: np.ndarray, exact: Vectors, lower: Vectors
) -> dict[str, Any]:
    """Compare embeddings of a lower precision with ``exact``, those of ``f32``.

    ``own`` are the rows of the queries.
    """
    five, distances = nearest(exact[own], exact, own)
    before = precision_at_5(labels, own, five)
    variants = {
        "both": (lower[own], lower),
        "queries_only": (lower[own], exact),
        "catalogue_only": (exact[own], lower),
    }
    moved = np.linalg.norm(exact - lower, axis=1)
    result: dict[str, Any] = {
        "distance_to_f32": {
            "median": round(float(np.median(moved)), 5),
            "p99": round(float(np.quantile(moved, 0.99)), 5),
            "max": round(float(moved.max()), 5),
            "nearest_neighbour_median": round(float(np.median(distances[:, 0])), 5),
        }
    }
    for variant, (queries, catalogue) in variants.items():
        found, _distances = nearest(queries, catalogue, own)
        after = precision_at_5(labels, own, found)
        shared = [len(set(a) & set(b)) / 5 for a, b in zip(five, found, strict=True)]
        result[variant] = {
            "precision_at_5": {name: round(value, 4) for name, value in after.items()},
            "change": {name: round(after[name] - before[name], 4) for name in LABELS},
            "largest_change": round(max(abs(after[name] - before[name]) for name in LABELS), 4),
            "of_the_five_the_same": round(float(np.mean(shared)), 4),
        }
    return result


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("ids", type=Path)
    parser.add_argument("calibration", type=int, nargs="?", default=300)
    options = parser.parse_args()
    ids, count = set(options.ids.read_text().split()), options.calibration
    result: dict[str, Any] = {"bench": "precision", "environment": environment()}
    model = EmbeddingModel.objects.active()
    folder = model_folder(model)
    rows, exact = read_catalogue(model)
    own = np.array([number for number, row in enumerate(rows) if row[0] in ids])
    labels = np.array([row[2:] for row in rows])
    pixels = read_pixels([row[1] for row in rows], folder.input_size)
    others = np.setdiff1d(np.arange(len(rows)), own)
    chosen = np.random.default_rng(5).choice(others, count, replace=False)
    networks = compile_all(
        openvino.Core().read_model(_exported(folder)), [pixels[i] for i in chosen]
    )
    result |= {"pictures": len(rows), "queries": len(own), "calibration_pictures": count}
    result["speed"] = measure_speed(networks, pixels)
    five, _distances = nearest(exact[own], exact, own)
    result["f32"] = {"precision_at_5": precision_at_5(labels, own, five)}
    # A sample is embedded again with f32: its distance to the stored embeddings shows the noise.
    sample = np.random.default_rng(6).choice(len(rows), 2000, replace=False)
    again = embed(networks["f32"], [pixels[i] for i in sample])
    result["f32"]["distance_to_stored_p99"] = round(
        float(np.quantile(np.linalg.norm(again - exact[sample], axis=1), 0.99)), 6
    )
    for name in networks:
        if name != "f32":
            result[name] = measure_quality(labels, own, exact, embed(networks[name], pixels))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
