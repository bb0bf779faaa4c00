"""Describe the machine on which a figure is measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any


def environment() -> dict[str, Any]:
    """Return the CPU, the current load, and the versions of Python, OpenVINO and pgvector."""
    model = "unknown"
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "openvino": version("openvino"),
        "pgvector": version("pgvector"),
    }
