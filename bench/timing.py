"""Times of searches, on the clock and of the processors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def processor_ms(backend: int) -> float:
    """What this process and its PostgreSQL backend have used: other people's load is not in it."""
    spent = Path(f"/proc/{backend}/schedstat").read_text().split()[0]
    return time.process_time() * 1000 + int(spent) / 1e6


def timed(
    search: Callable[[int], Any], queries: Sequence[int], backend: int
) -> tuple[np.ndarray, list[Any]]:
    """Milliseconds (n, 2): on the clock, and of the processors; and what was found."""
    times, results = [], []
    for query in queries:
        used, started = processor_ms(backend), time.perf_counter()
        results.append(search(query))
        times.append(((time.perf_counter() - started) * 1000, processor_ms(backend) - used))
    return np.array(times), results


def spread(runs: list[np.ndarray]) -> dict[str, Any]:
    """Medians over the repetitions, and the least and most of them."""
    report: dict[str, Any] = {}
    for name, place in (("p50", 50), ("p99", 99)):
        values = sorted(float(np.percentile(run[:, 0], place)) for run in runs)
        report[f"{name}_ms"] = round(float(np.median(values)), 2)
        report[f"{name}_ms_least_most"] = [round(values[0], 2), round(values[-1], 2)]
        used = [float(np.percentile(run[:, 1], place)) for run in runs]
        report[f"processor_{name}_ms"] = round(float(np.median(used)), 2)
    return report
