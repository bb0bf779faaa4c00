"""docs/performance.md and its plots, from what is in bench/results/.

    python bench/report.py

Measures nothing. A script that was not run has no figure here, and the page says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "lookalike"  # the same figures make the same file

from matplotlib import pyplot as plt  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
Results = dict[str, Any]
MISSING = "not measured"


@dataclass(frozen=True)
class Row:
    """``figure`` and ``rival`` read ``RESULTS``; a key that is not there was not measured."""

    what: str
    figure: Callable[[Results], str]
    bar: str = ""
    rival: Callable[[Results], str] = lambda _results: ""

    def line(self, results: Results) -> str:
        cells = [self.what, _read(self.figure, results), self.bar, _read(self.rival, results)]
        return f"| {' | '.join(cells)} |"


def _read(cell: Callable[[Results], str], results: Results) -> str:
    try:
        return cell(results)
    except (KeyError, IndexError, FileNotFoundError):
        return MISSING


def _server(found: dict[str, Any]) -> str:
    """What came too rarely for percentiles says so."""
    times = found["server_ms"]
    return f"{times['p50']}; p95 {times['p95']} (of {times['n']})" if "p50" in times else "too few"


def _times(found: dict[str, Any]) -> str:
    """p50 and the tail; the least and most median of the repetitions where they were kept."""
    tail = next(name for name in ("p99_ms", "p95_ms") if name in found)
    least_most = found.get("p50_ms_least_most")
    spread = f" ({least_most[0]} to {least_most[1]})" if least_most else ""
    return f"{found['p50_ms']}{spread}; {tail[:3]} {found[tail]}"


def _embedded(found: dict[str, Any]) -> str:
    least, most = found["spread"]
    return f"{found['median']} pictures/s ({least} to {most})"


EMBEDDING = [
    Row(
        "through Celery and PostgreSQL, 32-bit",
        lambda r: _embedded(r["embed"]["f32"]["through_the_queue"]),
        "0.9 of raw OpenVINO",
        lambda r: f"{r['embed']['f32']['of_raw_openvino']['median']} of raw OpenVINO",
    ),
    Row(
        "against `model.predict`, one by one",
        lambda r: f"{r['embed']['f32']['times_predict']} times",
        "5 times",
        lambda r: f"{r['embed']['f32']['predict_one_by_one']} pictures/s",
    ),
    Row(
        "through Celery and PostgreSQL, bfloat16 (an option)",
        lambda r: _embedded(r["embed"]["bf16"]["through_the_queue"]),
        "",
        lambda r: f"{r['embed']['bf16']['of_raw_openvino']['median']} of raw OpenVINO",
    ),
    Row(
        "a worker's memory over the whole catalogue",
        lambda r: f"{r['embed']['whole']['memory_mb']['at_quarters']} MB at the quarters",
        "1,200 MB, stable",
    ),
    Row(
        "P@5, the label that moves most: bfloat16, int8 (not adopted)",
        lambda r: (
            f"{r['precision']['bf16']['both']['largest_change']}, "
            f"{r['precision']['int8']['both']['largest_change']}"
        ),
        "0.005",
        lambda r: (
            f"f32; {r['precision']['speed']['bf16']['times_f32']} and "
            f"{r['precision']['speed']['int8']['times_f32']} times as fast"
        ),
    ),
]


def _nearest(name: str, key: str, what: str, bar: str) -> Row:
    def figure(r: Results) -> str:
        found = r[name][key]
        return f"{_times(found)}; recall {found['recall_at_5']}; at least {found['fewest']}"

    return Row(f"{what} ({key})", figure, bar)


FILTERED = ("price 50.0%", "price 10.0%", "price 1.0%", "price 0.1%")
MORE = ("gender 50.0%", "colour 10.0%", "colour 1.0%", "colour 0.1%")
NEAREST = [
    Row(
        "43,941 pictures, ms",
        lambda r: f"{_times(r['nearest']['all'])}; recall {r['nearest']['all']['recall_at_5']}",
        "p50 3, p99 10, recall 0.99",
        lambda r: (
            f"scikit-learn {_times(r['nearest']['scikit_learn'])}: "
            f"{r['nearest']['times_faster']} times"
        ),
    ),
    *(_nearest("nearest", key, "43,941", "p99 50, recall 0.97") for key in FILTERED + MORE),
    Row(
        "1,000,000 pictures, ms",
        lambda r: (
            f"{_times(r['nearest-1000000']['all'])}; "
            f"recall {r['nearest-1000000']['all']['recall_at_5']}"
        ),
        "p50 10, recall 0.98",
    ),
    *(_nearest("nearest-1000000", k, "1,000,000", "p99 50, recall 0.97") for k in FILTERED + MORE),
]
WAYS = (
    *("sketch_256_hnsw", "sketch_256_ivfflat", "sketch_256_scan", "pca_128_hnsw", "pca_256_hnsw"),
    *("pca_512_hnsw", "learned_256_hnsw", "full_2048_hnsw", "full_2048_ivfflat"),
    *("full_2048_scan", "scikit_learn_brute", "faiss_flat", "faiss_hnsw", "usearch_hnsw"),
    *("faiss_hnsw_256_reranked", "usearch_hnsw_256_reranked"),
)


KINDS = (
    *("home", "listing", "filtered listing", "sorted listing", "deep listing", "search"),
    *("mistyped search", "product", "more like this", "photo results"),
)


def _page(kind: str, bar: str) -> Row:
    def server(found: dict[str, Any]) -> str:
        return _server(found["kinds"][kind])

    return Row(
        f"{kind}, ms on the server",
        lambda r: server(r["pages"]["shoppers"]) + f"; cold {server(r['pages']['cold'])}",
        bar,
        lambda r: server(r["pages"]["rival"]["shoppers"]),
    )


def _paint(results: Results, network: str) -> str:
    found = results["browser"][network]
    least, most = found["lcp_ms_least_and_most"]
    return f"{found['lcp_ms_median']} ({least} to {most})"


PAGES = [
    *(_page(kind, "p95 150") for kind in KINDS),
    Row(
        "product page alone, ms on the server",
        lambda r: str(r["pages"]["product_alone_cold"]["product"]["server_ms"]["p50"]),
        "p50 30",
    ),
    Row(
        "the same, its searches remembered",
        lambda r: str(r["pages"]["product_alone"]["product"]["server_ms"]["p50"]),
        "p50 30",
    ),
    Row(
        "counts beside the filters, ms",
        lambda r: (
            f"{r['pages']['facet_counts_ms']['p50']}; p95 {r['pages']['facet_counts_ms']['p95']}"
        ),
        "40",
    ),
    *(
        Row(
            f"largest paint of a product page, {network}, ms",
            lambda r, network=network: _paint(r, network),
            "1,500",
            lambda r: f"uncompressed {_paint(r, 'no_compression')}",
        )
        for network in ("slow_4g", "slow_4g_applied")
    ),
    Row(
        "CSS and JavaScript of a product page, bytes sent",
        lambda r: f"{r['browser']['slow_4g']['css_and_js_bytes']['sent']:,}",
        "60,000",
    ),
]
PHOTO = [
    Row(
        "idle, by HTTP, ms",
        lambda r: _times(r["photo"]["idle"]["http"]),
        "p50 150, p95 300",
        lambda r: f"the paper's prototype {_times(r['photo']['prototype'])}",
    ),
    Row(
        "idle, in Chromium, ms",
        lambda r: _times(r["photo"]["idle"]["chromium"]),
        "p50 150, p95 300",
    ),
    Row(
        "idle, from the file's choice to five pictures by the page's clock, ms",
        lambda r: _times(r["photo"]["idle"]["page"]),
        "p50 150, p95 300",
    ),
    Row(
        "while 10,000 pictures are embedded, in Chromium, ms",
        lambda r: _times(r["photo"]["yielding"]["chromium"]),
        "p95 1,000",
        lambda r: f"without priorities {_times(r['photo']['even']['chromium'])}",
    ),
]
IMPORT = [
    Row(
        "43,946 rows with pictures, s",
        lambda r: f"{r['import']['seconds']} {r['import'].get('seconds_of_each_round', '')}",
        "60",
        lambda r: f"{r['import']['times_faster_than_naive']} times a loop of saves",
    ),
    Row(
        "memory, MB at the quarters of each run",
        lambda r: f"{r['import']['memory_mb_at_quarters']}",
        "flat",
    ),
]
BLOCKS = [
    Row(
        what,
        lambda r, key=key: f"{_times(r['blocks'][key])}; {r['blocks'][key]['queries']} queries",
        "20 and 2 queries a block",
    )
    for what, key in (
        ("the four of a product page together, ms", "product_page_four_blocks"),
        ("the same remembered, ms", "product_page_four_blocks_remembered"),
        ("cart, ms", "cart_two_sources"),
        ("picked for you, ms", "picked_twelve_views"),
    )
]
SECTIONS = {
    "Embedding": EMBEDDING,
    "Nearest five": NEAREST,
    "Pages, eight shoppers": PAGES,
    "Photo search": PHOTO,
    "Import": IMPORT,
    "Blocks of recommendations": BLOCKS,
}


def ways(results: Results) -> list[str]:
    """Every way to search vectors, at both sizes."""
    lines = [
        "| way | size | p50 ms (least to most), p99 | recall@5 | index, MB | build, s | inserts/s "
        "| cold p50, ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in ("vectors", "vectors-1000000"):
        found = results.get(name, {})
        for way in [way for way in WAYS if way in found]:
            one = found[way]
            if "gave_up_after_minutes" in one:
                times = f"gave up building after {one['gave_up_after_minutes']:g} minutes"
                lines.append(f"| {way} | {found['pictures']:,} | {times} | | | | | |")
                continue
            figures = ("recall_at_5", "index_mb", "build_seconds", "inserts_a_second")
            cells = [way, f"{found['pictures']:,}", _times(one)]
            cells += [str(one.get(figure, "")) for figure in figures]
            cells.append(str(one.get("cold", {}).get("p50_ms", "")))
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def growth(results: Results) -> list[str]:
    if "growth" not in results:
        return [f"{MISSING}."]
    sizes = results["growth"]["sizes"]
    names = [name for name in sizes[0] if isinstance(sizes[0][name], dict)]
    lines = [
        "| stage | " + " | ".join(f"{size['pictures']:,}" for size in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
        *(_growth_line(name, sizes) for name in names if "p50_ms" in sizes[0][name]),
        *(
            _growth_line(f"embed: {part}, a batch", [size["embed"] for size in sizes], part)
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
    for title, figure in (("index, MB", "index_mb"), ("database, MB", "database_mb")):
        lines.append(f"| {title} | " + " | ".join(str(size[figure]) for size in sizes) + " |")
    _plot_growth(sizes)
    return [*lines, "", "![Cost against size](performance/growth.svg)"]


def _growth_line(title: str, sizes: list[dict[str, Any]], key: str = "") -> str:
    cells = [_times(size[key or title]) for size in sizes]
    return f"| {title}, p50 ms | {' | '.join(cells)} |"


def _plot_growth(sizes: list[dict[str, Any]]) -> None:
    """Cost as a multiple of that at the smallest size; both axes logarithmic."""
    figure, axes = plt.subplots(figsize=(8, 5))
    pictures = [size["pictures"] for size in sizes]
    for name in ("nearest", "exact", "photo", "home", "category", "filtered", "words", "product"):
        costs = [size[name]["p50_ms"] for size in sizes]
        axes.plot(pictures, [cost / costs[0] for cost in costs], marker="o", label=name)
    rates = [size["import"]["rows_per_second"] for size in sizes]
    axes.plot(pictures, [rates[0] / rate for rate in rates], marker="o", label="import, a row")
    rates = [size["embed"]["pictures_per_second"] for size in sizes]
    axes.plot(pictures, [rates[0] / rate for rate in rates], marker="o", label="embed, a picture")
    steady = [count / pictures[0] for count in pictures]
    axes.plot(pictures, steady, color="#999", linestyle="--", label="in proportion")
    axes.set(xscale="log", yscale="log", xlabel="pictures", ylabel="times the cost at the least")
    axes.legend(ncols=2, fontsize=8)
    _save(figure, "growth")


def _plot_ways(results: Results) -> list[str]:
    figure, axes = plt.subplots(figsize=(10, 5))
    for colour, way in zip(plt.cm.tab20.colors, WAYS, strict=False):
        for name, marker in (("vectors-1000000", "^"), ("vectors", "o")):
            if "p50_ms" in (one := results.get(name, {}).get(way, {})):
                axes.plot(one["p50_ms"], one["recall_at_5"], marker, color=colour, label=way)
    names = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(names.values(), names, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set(xscale="log", xlabel="p50, ms", ylabel="recall@5")
    axes.set_title("43,941 pictures (circles) and 1,000,000 (triangles)", fontsize=9)
    _save(figure, "ways")
    return ["", "![Recall against time](performance/ways.svg)"]


def _save(figure: Any, name: str) -> None:
    PLOTS.mkdir(exist_ok=True)
    figure.tight_layout()
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def environments(results: Results) -> list[str]:
    """Of each script the machine, and how busy it was before."""
    lines = ["| script | processor | load before |", "|---|---|---|"]
    for name, found in sorted(results.items()):
        for one in (found, *(v for v in found.values() if isinstance(v, dict))):
            if environment := one.get("environment"):
                cpu = environment.get("cpu") or environment.get("machine")
                load = environment.get("load_before", environment.get("load_average"))
                lines.append(f"| {name} | {cpu}, {environment.get('cores', 2)} cores | {load} |")
                break
    return lines


def main() -> None:
    results = {path.stem: json.loads(path.read_text()) for path in RESULTS.glob("*.json")}
    lines = [
        "# Performance",
        "",
        "Written by `bench/report.py` from `bench/results/`; `make bench` measures it all again.",
        "The machine is virtual and has two cores: compare within a run, not across. Medians,",
        "with the least and most of the repetitions where a script keeps them.",
    ]
    for title, rows in SECTIONS.items():
        head = [
            "",
            f"## {title}",
            "",
            "| | figure | bar | rival in the same run |",
            "|---|---|---|---|",
        ]
        lines += [*head, *(row.line(results) for row in rows)]
    lines += ["", "## Ways to search vectors", "", *ways(results), *_plot_ways(results)]
    lines += ["", "## Growth", "", *growth(results)]
    lines += ["", "## Where it was measured", "", *environments(results)]
    PAGE.write_text("\n".join(line.rstrip() for line in lines) + "\n")
    print(f"{PAGE.relative_to(ROOT)} is written.")


if __name__ == "__main__":
    main()
