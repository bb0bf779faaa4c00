"""Write docs/performance.md and its plots from the files of bench/results/.

    python bench/report.py

Measures nothing. Where a benchmark was not run, the page says "not measured".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "lookalike"  # equal figures then give equal files

from matplotlib import pyplot as plt  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.report_rows import MILLION, MISSING, SECTIONS, Results, times  # noqa: E402

RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"


def libraries(results: Results) -> list[str]:
    """Return a table of the libraries that search the embeddings in memory."""
    lines = [
        "| | images | p50 ms (lowest to highest), p99 | recall@5 | build, s |",
        "|---|---|---|---|---|",
    ]
    for name in ("nearest", MILLION):
        found = results.get(name, {})
        for library, one in found.get("in_memory", {}).items():
            cells = [library, f"{found['pictures']:,}", times(one)]
            cells += [str(one["recall_at_5"]), str(one["build_seconds"])]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def sizes(results: Results) -> list[str]:
    """Return a table of the sizes of tables with embeddings, and the rival checkout's totals."""
    found = results.get("nearest", {})
    rival = found.get("rival", {})
    lines = ["| | part | MiB |", "|---|---|---|"]
    for table, parts in found.get("sizes_mb", {}).get("tables", {}).items():
        lines += [f"| {table} | {part} | {size} |" for part, size in parts.items() if size]
    for table, parts in rival.get("sizes_mb", {}).get("tables", {}).items():
        lines.append(f"| {table} ({rival['checkout']}) | all | {sum(parts.values()):.2f} |")
    return lines


# What the stages of bench/growth.py are called on the page, where their own names say too little.
STAGES = {
    "nearest": "similar items",
    "exact": "nearest five without the index",
    "photo": "results of a photo",
}


def growth(results: Results) -> list[str]:
    """Return a table of the cost of each stage at each size, with its plot."""
    if "growth" not in results:
        return [f"{MISSING}."]
    sizes = results["growth"]["sizes"]
    names = [name for name in sizes[0] if isinstance(sizes[0][name], dict)]
    lines = [
        "| stage | " + " | ".join(f"{size['pictures']:,}" for size in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
        *(_growth_line(name, sizes) for name in names if "p50_ms" in sizes[0][name]),
        *(
            _growth_line(part, [size["embed"] for size in sizes], f"embed: {part}, a batch")
            for part in ("claim", "write")
        ),
    ]
    for title, name, figure in (
        ("embed, pictures/s", "embed", "pictures_per_second"),
        ("embed, of raw OpenVINO", "embed", "of_raw_openvino"),
        ("import, rows/s", "import", "rows_per_second"),
    ):
        cells = [str(size[name].get(figure, "")) for size in sizes]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    for title, figure in (("index, MiB", "index_mb"), ("database, MiB", "database_mb")):
        lines.append(f"| {title} | " + " | ".join(str(size[figure]) for size in sizes) + " |")
    _plot_growth(sizes)
    return [*lines, "", "![Cost against size](performance/growth.svg)"]


def _growth_line(name: str, sizes: list[dict[str, Any]], title: str = "") -> str:
    cells = [times(size[name]) for size in sizes]
    return f"| {title or STAGES.get(name, name)}, p50 ms | {' | '.join(cells)} |"


def _plot_growth(sizes: list[dict[str, Any]]) -> None:
    """Draw each cost as a multiple of its cost at the smallest size, on logarithmic axes."""
    figure, axes = plt.subplots(figsize=(8, 5))
    pictures = [size["pictures"] for size in sizes]
    for name in ("nearest", "exact", "photo", "home", "category", "filtered", "words", "product"):
        costs = [size[name]["p50_ms"] for size in sizes]
        label = STAGES.get(name, name)
        axes.plot(pictures, [cost / costs[0] for cost in costs], marker="o", label=label)
    rates = [size["import"]["rows_per_second"] for size in sizes]
    axes.plot(pictures, [rates[0] / rate for rate in rates], marker="o", label="import, a row")
    rates = [size["embed"]["pictures_per_second"] for size in sizes]
    axes.plot(pictures, [rates[0] / rate for rate in rates], marker="o", label="embed, a picture")
    steady = [count / pictures[0] for count in pictures]
    axes.plot(pictures, steady, color="#999", linestyle="--", label="proportional")
    axes.set(xscale="log", yscale="log", xlabel="pictures", ylabel="relative cost")
    axes.legend(ncols=2, fontsize=8)
    _save(figure, "growth")


def _save(figure: Any, name: str) -> None:
    PLOTS.mkdir(exist_ok=True)
    figure.tight_layout()
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def _environment(found: Results) -> dict[str, Any]:
    """Return the first environment in a result, or an empty one."""
    parts = [found, *found.get("sizes", found.values())]
    environments = (part.get("environment") for part in parts if isinstance(part, dict))
    return next(filter(None, environments), {})


def _version(found: Results) -> str:
    """Return the shop's version with which a result was measured, and the date."""
    environment = _environment(found)
    return f"{environment.get('version', MISSING)}, {environment.get('measured', MISSING)}"


def _sources(results: Results, names: Iterable[str]) -> str:
    measured = (f"`{name}.json` {_version(results.get(name, {}))}" for name in names)
    return f"Measured: {'; '.join(measured)}."


def environments(results: Results) -> list[str]:
    """Return a table of the version, the machine and its load before each script."""
    lines = ["| result | version | processor | load before |", "|---|---|---|---|"]
    for name, found in sorted(results.items()):
        if machine := _environment(found):
            processor = f"{machine['cpu']}, {machine['cores']} cores"
            lines.append(f"| {name} | {_version(found)} | {processor} | {machine['load_before']} |")
    return lines


def main() -> None:
    results = {path.stem: json.loads(path.read_text()) for path in RESULTS.glob("*.json")}
    # The outcomes of bench/mutations.py (a list) are left out, because docs/security.md shows them.
    results = {name: found for name, found in results.items() if isinstance(found, dict)}
    lines = [
        "# Performance",
        "",
        "`bench/report.py` writes this page from `bench/results/`; the README says how to measure",
        "again. All runs used virtual machines with two cores, so compare figures within one run",
        "only. Times are medians, with the fastest and slowest repetition in brackets where the",
        "script kept them. A script that was not run since version 0.1 still shows the figures of",
        "0.1: each section names the version and the day of its results. `base` is a checkout of",
        "version 0.1 that was measured in the same run.",
    ]
    for title, (names, rows) in SECTIONS.items():
        head = [
            "",
            f"## {title}",
            "",
            _sources(results, names),
            "",
            "| | figure | target | compared with, in the same run |",
            "|---|---|---|---|",
        ]
        lines += [*head, *(row.line(results) for row in rows if row.is_measured(results))]
    lines += ["", "## Libraries that search in memory", "", _sources(results, ["nearest"]), ""]
    lines += libraries(results)
    lines += [
        "",
        "## Tables and indexes that hold embeddings",
        "",
        _sources(results, ["nearest"]),
        "",
    ]
    lines += sizes(results)
    lines += ["", "## Growth", "", _sources(results, ["growth"]), "", *growth(results)]
    lines += ["", "## Where it was measured", "", *environments(results)]
    PAGE.write_text("\n".join(line.rstrip() for line in lines) + "\n")
    print(f"{PAGE.relative_to(ROOT)} is written.")


if __name__ == "__main__":
    main()
