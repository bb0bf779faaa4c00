"""Write docs/performance.md and its plots from the files of bench/results/.

    python bench/report.py

Measures nothing. Where a benchmark was not run, the page says "not measured".
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "lookalike"  # equal figures then give equal files

from matplotlib import pyplot as plt  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
Results = dict[str, Any]
MISSING = "not measured"
FIRST_DAY_OF_0_2 = "2026-11-26"


@dataclass(frozen=True)
class Row:
    """Describes a row of a table.

    If ``figure`` or ``rival`` looks up a key that the results lack, its cell says "not measured".
    """

    what: str
    figure: Callable[[Results], str]
    bar: str = ""
    rival: Callable[[Results], str] = lambda _results: ""

    def is_measured(self, results: Results) -> bool:
        """Return whether to show the row: a row with a filter ("%") is hidden if not measured."""
        return "%" not in self.what or _read(self.figure, results) != MISSING

    def line(self, results: Results) -> str:
        """Return the row in Markdown."""
        cells = [self.what, _read(self.figure, results), self.bar, _read(self.rival, results)]
        return f"| {' | '.join(cells)} |"


def _read(cell: Callable[[Results], str], results: Results) -> str:
    try:
        return cell(results)
    except (KeyError, IndexError, FileNotFoundError):
        return MISSING


def _server(found: dict[str, Any]) -> str:
    """Return percentiles of the server's response times, or "too few" for fewer than two."""
    times = found["server_ms"]
    return f"{times['p50']}; p95 {times['p95']} (of {times['n']})" if "p50" in times else "too few"


def _times(found: dict[str, Any]) -> str:
    """Return the median, with its range over the repetitions if known, and p99 or else p95."""
    tail = next(name for name in ("p99_ms", "p95_ms") if name in found)
    least_most = found.get("p50_ms_least_most")
    spread = f" ({least_most[0]} to {least_most[1]})" if least_most else ""
    return f"{found['p50_ms']}{spread}; {tail[:3]} {found[tail]}"


def _row_times(found: dict[str, Any]) -> str:
    return f"{_times(found)}; {found['queries']} queries"


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
        "the same, against the rival checkout",
        lambda r: f"{r['embed']['f32']['of_rival']['median']} times",
        "1",
        lambda r: _embedded(r["embed"]["f32"]["rival"]),
    ),
    Row(
        "through Celery and PostgreSQL, bfloat16 (an option), with 0.1",
        lambda r: _embedded(r["embed"]["bf16"]["through_the_queue"]),
        "",
        lambda r: f"{r['embed']['bf16']['of_raw_openvino']['median']} of raw OpenVINO",
    ),
    Row(
        "a worker's memory over the whole catalogue, with 0.1",
        lambda r: f"{r['embed']['whole']['memory_mb']['at_quarters']} MB at the quarters",
        "1,200 MB, stable",
    ),
    Row(
        "largest change of precision at 5: bfloat16, int8 (not adopted)",
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


def _nearest(name: str, key: str, size: str) -> Row:
    def figure(r: Results) -> str:
        found = r[name][key]
        return f"{_times(found)}; recall {found['recall_at_5']}; at least {found['fewest']}"

    limit = 60 if name == "nearest" else 150
    return Row(f"{size} ({key})", figure, f"p99 {limit}, recall 0.95")


def _filters(name: str, size: str) -> list[Row]:
    return [_nearest(name, key, size) for key in FILTERED]


SHARES = ("50.0%", "10.0%", "1.0%", "0.1%")
# The filters, each named by its attribute and the share of the images that match it. Where no
# values of the attribute match about so many, bench/nearest.py has no result.
FILTERED = [f"{what} {share}" for what in ("price", "gender", "colour", "category")
            for share in SHARES]  # fmt: skip
MILLION = "nearest-1000000"


def _times_and_recall(found: dict[str, Any]) -> str:
    return f"{_times(found['all'])}; recall {found['all']['recall_at_5']}"


def _library(found: dict[str, Any], name: str) -> str:
    one = found["in_memory"][name]
    return f"{name} {_times(one)}; recall {one['recall_at_5']}"


def _times_of_rival(found: dict[str, Any]) -> str:
    p50, p99 = (sorted(times)[len(times) // 2] for times in zip(*found["p50_p99_ms"], strict=True))
    return f"{found['checkout']}: {p50}; p99 {p99}"


NEAREST = [
    Row(
        "43,941 images, by distance, ms",
        lambda r: _times_and_recall(r["nearest"]),
        "p50 2, p99 6, recall 0.99",
        lambda r: _times_of_rival(r["nearest"]["rival"]),
    ),
    Row(
        "similar items of a product page, ms",
        lambda r: _times(r["nearest"]["strip"]),
        "",
        lambda r: _library(r["nearest"], "scikit_learn_brute"),
    ),
    Row(
        "embeddings and their indexes, 232 MB of dropped columns included, MB",
        lambda r: str(r["nearest"]["sizes_mb"]["embeddings"]),
        "0.3 of the rival's",
        lambda r: (
            f"{r['nearest']['rival']['sizes_mb']['embeddings']}: "
            f"{r['nearest']['rival']['our_size_of_theirs']} of it"
        ),
    ),
    *_filters("nearest", "43,941"),
    Row(
        "1,000,000 images, by distance, ms",
        lambda r: _times_and_recall(r[MILLION]),
        "p50 5",
        lambda r: _library(r[MILLION], "faiss_hnsw"),
    ),
    Row("similar items of a product page, ms", lambda r: _times(r[MILLION]["strip"])),
    *_filters(MILLION, "1,000,000"),
]


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
        "the same, its searches cached",
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
            f"largest contentful paint of a product page, {network}, ms",
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
        "idle, timed by the page from the choice of the file to five pictures, ms",
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
        "the same, against the rival checkout",
        lambda r: f"{r['import']['rival']['our_speed_of_theirs']} times",
        "0.9",
        lambda r: f"{r['import']['rival']['seconds_of_each_round']}",
    ),
    Row(
        "43,941 new prices, rows/s",
        lambda r: (
            f"{r['import']['new_prices']['rows_per_second']}; of embeddings updated "
            f"{r['import']['new_prices']['embedding_table_updates_by_round'][-1]}"
        ),
        "0.9 of the rival's",
        lambda r: f"{r['import']['new_prices']['rival']['our_speed_of_theirs']} times",
    ),
    Row(
        "memory, MB at the quarters of each run",
        lambda r: f"{r['import']['memory_mb_at_quarters']}",
        "flat",
    ),
]
RECOMMENDATION_ROWS = [
    Row(
        what,
        lambda r, key=key: _row_times(r["recommendation_rows"][key]),
        "20 and 2 queries a row",
    )
    for what, key in (
        ("all rows of a product page, ms", "product_page_rows"),
        ("the same cached, ms", "product_page_rows_cached"),
        ("cart, ms", "cart_two_sources"),
        ("picked for you, ms", "personalised_twelve_views"),
    )
]
# For each section of the page: the names of its result files, and its rows.
SECTIONS = {
    "Embedding": (("embed", "precision"), EMBEDDING),
    "Nearest five": (("nearest", MILLION), NEAREST),
    "Pages, eight shoppers": (("pages", "browser"), PAGES),
    "Photo search": (("photo",), PHOTO),
    "Import": (("import",), IMPORT),
    "Rows of recommendations": (("recommendation_rows",), RECOMMENDATION_ROWS),
}


def libraries(results: Results) -> list[str]:
    """Return a table of the libraries that search the embeddings in memory."""
    lines = [
        "| | images | p50 ms (lowest to highest), p99 | recall@5 | build, s |",
        "|---|---|---|---|---|",
    ]
    for name in ("nearest", MILLION):
        found = results.get(name, {})
        for library, one in found.get("in_memory", {}).items():
            cells = [library, f"{found['pictures']:,}", _times(one)]
            cells += [str(one["recall_at_5"]), str(one["build_seconds"])]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def sizes(results: Results) -> list[str]:
    """Return a table of the sizes of tables with embeddings, and the rival checkout's totals."""
    found = results.get("nearest", {})
    rival = found.get("rival", {})
    lines = ["| | part | MB |", "|---|---|---|"]
    for table, parts in found.get("sizes_mb", {}).get("tables", {}).items():
        lines += [f"| {table} | {part} | {size} |" for part, size in parts.items() if size]
    for table, parts in rival.get("sizes_mb", {}).get("tables", {}).items():
        lines.append(f"| {table} ({rival['checkout']}) | all | {sum(parts.values()):.2f} |")
    return lines


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
    """Draw each cost as a multiple of its cost at the smallest size, on logarithmic axes."""
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
    axes.plot(pictures, steady, color="#999", linestyle="--", label="proportional")
    axes.set(xscale="log", yscale="log", xlabel="pictures", ylabel="relative cost")
    axes.legend(ncols=2, fontsize=8)
    _save(figure, "growth")


def _save(figure: Any, name: str) -> None:
    PLOTS.mkdir(exist_ok=True)
    figure.tight_layout()
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def _version(name: str) -> str:
    """Return the shop's version at which a result was measured, and the date."""
    file = RESULTS / f"{name}.json"
    # Commits that only rename the file are left out, because nothing was measured in them.
    command = ["git", "log", "--follow", "--diff-filter=AM", "-1", "--format=%cs", "--", str(file)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    date = found.stdout.strip()
    if not date:
        return "not committed"
    return f"{'0.2' if date >= FIRST_DAY_OF_0_2 else '0.1'}, {date}"


def _sources(names: Iterable[str]) -> str:
    return "Measured: " + "; ".join(f"`{name}.json` {_version(name)}" for name in names) + "."


def environments(results: Results) -> list[str]:
    """Return a table of the version, the machine and its load before each script."""
    lines = ["| result | version | processor | load before |", "|---|---|---|---|"]
    for name, found in sorted(results.items()):
        for one in (found, *(v for v in found.values() if isinstance(v, dict))):
            if environment := one.get("environment"):
                cpu = environment.get("cpu") or environment.get("machine")
                load = environment.get("load_before", environment.get("load_average"))
                cores = environment.get("cores", 2)
                lines.append(f"| {name} | {_version(name)} | {cpu}, {cores} cores | {load} |")
                break
    return lines


def main() -> None:
    results = {path.stem: json.loads(path.read_text()) for path in RESULTS.glob("*.json")}
    # The outcomes of bench/mutations.py (a list) are left out, because docs/security.md shows them.
    results = {name: found for name, found in results.items() if isinstance(found, dict)}
    lines = [
        "# Performance",
        "",
        "`bench/report.py` writes this page from `bench/results/`; `make bench` measures it all",
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
            _sources(names),
            "",
            "| | figure | target | compared with, in the same run |",
            "|---|---|---|---|",
        ]
        lines += [*head, *(row.line(results) for row in rows if row.is_measured(results))]
    lines += ["", "## Libraries that search in memory", "", _sources(["nearest"]), ""]
    lines += libraries(results)
    lines += ["", "## Tables and indexes that hold embeddings", "", _sources(["nearest"]), ""]
    lines += sizes(results)
    lines += ["", "## Growth", "", _sources(["growth"]), "", *growth(results)]
    lines += ["", "## Where it was measured", "", *environments(results)]
    PAGE.write_text("\n".join(line.rstrip() for line in lines) + "\n")
    print(f"{PAGE.relative_to(ROOT)} is written.")


if __name__ == "__main__":
    main()
