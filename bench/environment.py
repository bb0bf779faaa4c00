"""Describe when, with which version and on which machine a figure is measured."""

from __future__ import annotations

import os
import platform
import tomllib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def environment() -> dict[str, Any]:
    """Return the shop's version, the date, the CPU, its load and the versions of packages.

    A script stores them with its results. bench/report.py shows version and date, because the date
    of a commit may be much later.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    model = "unknown"
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return {
        "version": project["version"],
        "measured": datetime.now(UTC).date().isoformat(),
        "cpu": model,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "openvino": version("openvino"),
        "pgvector_python": version("pgvector"),
    }
