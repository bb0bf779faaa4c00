"""Time searches by the wall clock and by the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def cpu_ms(backend: int) -> float:
    """Return the CPU milliseconds used so far by this process and its PostgreSQL backend.

    Unlike wall-clock time, they do not include waiting for other processes.
    """
    spent = Path(f"/proc/{backend}/schedstat").read_text().split()[0]
    return time.process_time() * 1000 + int(spent) / 1e6


def time_searches(
    search: Callable[[int], Any], queries: Sequence[int], backend: int
) -> tuple[np.ndarray, list[Any]]:
    """Run each query; return the wall-clock and CPU milliseconds (n, 2), and the results."""
    times, results = [], []
    for query in queries:
        used, started = cpu_ms(backend), time.perf_counter()
        results.append(search(query))
        times.append(((time.perf_counter() - started) * 1000, cpu_ms(backend) - used))
    return np.array(times), results


def summarise(runs: list[np.ndarray]) -> dict[str, Any]:
    """Return p50 and p99: each the median over the repetitions, with the lowest and highest."""
    report: dict[str, Any] = {}
    for name, percent in (("p50", 50), ("p99", 99)):
        values = sorted(float(np.percentile(run[:, 0], percent)) for run in runs)
        report[f"{name}_ms"] = round(float(np.median(values)), 2)
        report[f"{name}_ms_least_most"] = [round(values[0], 2), round(values[-1], 2)]
        used = [float(np.percentile(run[:, 1], percent)) for run in runs]
        report[f"processor_{name}_ms"] = round(float(np.median(used)), 2)
    return report
