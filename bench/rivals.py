"""Run what the shop is compared with: another checkout of it, and in-memory search libraries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from demo.servers import EmbeddedServers

FIVE, REPETITIONS = 5, 5
Search = Callable[[np.ndarray], np.ndarray]


@contextmanager
def rival(checkout: Path, folder: Path | None, code: str) -> Iterator[Callable[..., Any]]:
    """Run ``code`` in another checkout and yield a function that gets answers from it.

    The code uses the servers of ``folder`` and defines ``answer(*question)``. Questions and answers
    are lines of JSON to and from one process, so that both checkouts take turns within one run.
    """
    servers = EmbeddedServers(folder or checkout / "var")
    loop = "\nimport json, sys\nfor line in sys.stdin:\n"
    loop += "    print(json.dumps(answer(*json.loads(line))), flush=True)\n"
    with servers.running():
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code + loop],
            cwd=checkout,
            env=os.environ | servers.environment | {"DJANGO_SETTINGS_MODULE": "config.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def ask(*question: Any) -> Any:
            print(json.dumps(question), file=process.stdin, flush=True)
            if not (line := process.stdout.readline() if process.stdout else ""):
                sys.exit("The rival failed; its error is above.")
            return json.loads(line)

        try:
            yield ask
        finally:
            process.communicate()


def scikit_learn_brute(vectors: np.ndarray) -> Search:
    from sklearn.neighbors import NearestNeighbors

    brute = NearestNeighbors(n_neighbors=FIVE, algorithm="brute").fit(vectors)
    return lambda query: brute.kneighbors(query, return_distance=False)[0]


def faiss_flat(vectors: np.ndarray) -> Search:
    import faiss

    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    return lambda query: index.search(query, FIVE)[1][0]


def faiss_hnsw(vectors: np.ndarray) -> Search:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], 16)
    index.hnsw.efConstruction, index.hnsw.efSearch = 64, 64
    index.add(vectors)
    return lambda query: index.search(query, FIVE)[1][0]


def usearch_hnsw(vectors: np.ndarray) -> Search:
    from usearch.index import Index

    index = Index(
        ndim=vectors.shape[1],
        metric="l2sq",
        dtype="f16",
        connectivity=16,
        expansion_add=64,
        expansion_search=64,
    )
    index.add(np.arange(len(vectors)), vectors, threads=1)
    return lambda query: np.asarray(index.search(query[0], FIVE, threads=1).keys)


def in_memory(vectors: np.ndarray, queries: list[int], truth: np.ndarray) -> dict[str, Any]:
    """Search with each library on one thread; return its times and recall.

    ``truth`` (q, 5) holds the exact nearest rows of each query. The libraries handle no filters and
    no duplicates and use no database, so the shop could at most be as fast, even with a better
    index.
    """
    import faiss

    faiss.omp_set_num_threads(1)
    vectors = vectors.astype(np.float32)
    return {
        make.__name__: _measure(make, vectors, queries, truth)
        for make in (scikit_learn_brute, faiss_flat, faiss_hnsw, usearch_hnsw)
    }


def _measure(
    make: Callable[[np.ndarray], Search], vectors: np.ndarray, queries: list[int], truth: np.ndarray
) -> dict[str, Any]:
    started = time.perf_counter()
    search = make(vectors)
    build = time.perf_counter() - started
    times, found = np.zeros((REPETITIONS, len(queries))), []
    for repetition in range(REPETITIONS):
        for number, row in enumerate(queries):
            started = time.perf_counter()
            rows = search(vectors[row][None])
            times[repetition, number] = (time.perf_counter() - started) * 1000
            if repetition == 0:
                found.append(rows)
    hits = [
        len({*map(int, some)} & {*map(int, true)}) for some, true in zip(found, truth, strict=True)
    ]
    medians = np.sort(np.percentile(times, 50, axis=1))
    return {
        "build_seconds": round(build, 1),
        "p50_ms": round(float(np.median(medians)), 2),
        "p50_ms_least_most": [round(float(medians[0]), 2), round(float(medians[-1]), 2)],
        "p99_ms": round(float(np.median(np.percentile(times, 99, axis=1))), 2),
        "recall_at_5": round(float(np.mean(hits)) / FIVE, 4),
    }
