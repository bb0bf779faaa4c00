"""Other people's nearest neighbours, in this process's memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from sklearn.neighbors import NearestNeighbors
from usearch.index import Index

FIVE, CANDIDATES, REPETITIONS, FEW = 5, 50, 5, 20
# More than so many pictures are searched part by part, the times added up: 2 GB instead of 8.
LARGE, PART = 100_000, 250_000
Search = Callable[[np.ndarray], np.ndarray]


def scikit_learn_brute(vectors: np.ndarray) -> Search:
    brute = NearestNeighbors(n_neighbors=FIVE, algorithm="brute").fit(vectors)
    return lambda query: brute.kneighbors(query, return_distance=False)[0]


def faiss_flat(vectors: np.ndarray) -> Search:
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    return lambda query: index.search(query, FIVE)[1][0]


def faiss_hnsw(vectors: np.ndarray, count: int = FIVE) -> Search:
    index = faiss.IndexHNSWFlat(vectors.shape[1], 16)
    index.hnsw.efConstruction, index.hnsw.efSearch = 64, 64
    index.add(vectors)
    return lambda query: index.search(query, count)[1][0]


def usearch_hnsw(vectors: np.ndarray, count: int = FIVE) -> Search:
    index = Index(
        ndim=vectors.shape[1],
        metric="l2sq",
        dtype="f16",
        connectivity=16,
        expansion_add=64,
        expansion_search=64,
    )
    index.add(np.arange(len(vectors)), vectors, threads=1)
    return lambda query: np.asarray(index.search(query[0], count, threads=1).keys)


def rivals(vectors: np.ndarray, picked: np.ndarray) -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """Figures, and the rows (q, 5) that each found for the ``picked`` rows."""
    faiss.omp_set_num_threads(1)
    report = {}
    for brute in (scikit_learn_brute, faiss_flat):
        report[brute.__name__] = _whole(brute, vectors, picked[:FEW])
    for graph in (faiss_hnsw, usearch_hnsw):
        if len(vectors) <= LARGE:
            report[graph.__name__] = _whole(graph, vectors, picked)
        else:
            report[f"{graph.__name__}_256_reranked"] = _reranked(graph, vectors, picked)
    return report


def _whole(
    make: Callable[[np.ndarray], Search], vectors: np.ndarray, picked: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """On all 2,048 values."""
    times = np.zeros((REPETITIONS, len(picked)))
    found: list[list[np.ndarray]] = [[] for _row in picked]
    seconds = 0.0
    for start in range(0, len(vectors), PART):
        started = time.perf_counter()
        search = make(vectors[start : start + PART].astype(np.float32))
        seconds += time.perf_counter() - started
        for repetition in range(REPETITIONS):
            for number, row in enumerate(picked):
                query = vectors[row][None].astype(np.float32)
                started = time.perf_counter()
                rows = search(query)
                times[repetition, number] += (time.perf_counter() - started) * 1000
                if repetition == 0:
                    found[number].append(rows + start)
    best = [
        _best(vectors, row, np.concatenate(parts)) for row, parts in zip(picked, found, strict=True)
    ]
    return _figures(times, seconds), np.stack(best)


def _reranked(
    make: Callable[[np.ndarray, int], Search], vectors: np.ndarray, picked: np.ndarray
) -> tuple[dict[str, Any], np.ndarray]:
    """On the first 256 values, the best 50 ordered by all."""
    started = time.perf_counter()
    search = make(vectors[:, :256].astype(np.float32), CANDIDATES)
    seconds = time.perf_counter() - started
    times, best = np.zeros((REPETITIONS, len(picked))), []
    for repetition in range(REPETITIONS):
        for number, row in enumerate(picked):
            query = vectors[row][None, :256].astype(np.float32)
            started = time.perf_counter()
            rows = _best(vectors, row, search(query))
            times[repetition, number] = (time.perf_counter() - started) * 1000
            if repetition == 0:
                best.append(rows)
    return _figures(times, seconds), np.stack(best)


def _best(vectors: np.ndarray, row: int, rows: np.ndarray) -> np.ndarray:
    apart = vectors[rows].astype(np.float32) - vectors[row].astype(np.float32)
    return rows[np.argsort(np.einsum("ij,ij->i", apart, apart))[:FIVE]]


def _figures(times: np.ndarray, seconds: float) -> dict[str, Any]:
    medians = np.sort(np.percentile(times, 50, axis=1))
    return {
        "build_seconds": round(seconds, 1),
        "p50_ms": round(float(np.median(medians)), 2),
        "p50_ms_least_most": [round(float(medians[0]), 2), round(float(medians[-1]), 2)],
        "p99_ms": round(float(np.median(np.percentile(times, 99, axis=1))), 2),
        "queries": times.shape[1],
    }
