"""Define the sections of docs/performance.md, which bench/report.py writes, and their rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Results = dict[str, Any]
MISSING = "not measured"


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


def times(found: dict[str, Any]) -> str:
    """Return the median, with its range over the repetitions if known, and p99 or else p95."""
    tail = next(name for name in ("p99_ms", "p95_ms") if name in found)
    least_most = found.get("p50_ms_least_most")
    spread = f" ({least_most[0]} to {least_most[1]})" if least_most else ""
    return f"{found['p50_ms']}{spread}; {tail[:3]} {found[tail]}"


def _row_times(found: dict[str, Any]) -> str:
    return f"{times(found)}; {found['queries']} queries"


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
        "a worker's memory over the whole catalogue, with 0.1, MiB",
        lambda r: f"{r['embed']['whole']['memory_mb']['at_quarters']} at the quarters",
        "1,200, stable",
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
        return f"{times(found)}; recall {found['recall_at_5']}; at least {found['fewest']}"

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
    return f"{times(found['all'])}; recall {found['all']['recall_at_5']}"


def _library(found: dict[str, Any], name: str) -> str:
    one = found["in_memory"][name]
    return f"{name} {times(one)}; recall {one['recall_at_5']}"


def _medians(repetitions: list[list[float]]) -> str:
    """Return the medians of p50 and of p99 over the repetitions of a search."""
    p50, p99 = (sorted(times)[len(times) // 2] for times in zip(*repetitions, strict=True))
    return f"{p50}; p99 {p99}"


def _size_of_embeddings(found: dict[str, Any]) -> str:
    """Return the size of the embeddings, and how much of it are columns that 0.1 left behind."""
    left = found["sizes_mb"]["tables"]["catalogue_productimage"]["out of line"]
    size = str(found["sizes_mb"]["embeddings"])
    if left < 1:
        return size
    return f"{size}, of which {left} are columns of 0.1 that remain until `VACUUM FULL`"


NEAREST = [
    Row(
        "43,941 images, by distance, ms",
        lambda r: _times_and_recall(r["nearest"]),
        "p50 2, p99 6, recall 0.99",
    ),
    Row(
        "the same, in turns with the rival checkout",
        lambda r: _medians(r["nearest"]["rival"]["ours_p50_p99_ms"]),
        "",
        lambda r: (
            f"{r['nearest']['rival']['checkout']}: " + _medians(r["nearest"]["rival"]["p50_p99_ms"])
        ),
    ),
    Row(
        "43,941 images, similar items of a product, ms",
        lambda r: times(r["nearest"]["strip"]),
        "",
        lambda r: _library(r["nearest"], "scikit_learn_brute"),
    ),
    Row(
        "embeddings and their indexes, MiB",
        lambda r: _size_of_embeddings(r["nearest"]),
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
    Row("1,000,000 images, similar items of a product, ms", lambda r: times(r[MILLION]["strip"])),
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
    Row("the rival", lambda _results: "", rival=lambda r: r["pages"]["rival"]["what"]),
    *(_page(kind, "p95 150") for kind in KINDS),
    Row(
        "product pages, one user, each for the first time, ms on the server",
        lambda r: str(r["pages"]["product_alone_cold"]["product"]["server_ms"]["p50"]),
        "p50 30",
    ),
    Row(
        "the same pages again, their searches cached",
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
        lambda r: times(r["photo"]["idle"]["http"]),
        "p50 150, p95 300",
        lambda r: f"the paper's prototype {times(r['photo']['prototype'])}",
    ),
    Row(
        "idle, in Chromium, ms",
        lambda r: times(r["photo"]["idle"]["chromium"]),
        "p50 150, p95 300",
    ),
    Row(
        "idle, timed by the page from the choice of the file to five pictures, ms",
        lambda r: times(r["photo"]["idle"]["page"]),
        "p50 150, p95 300",
    ),
    Row(
        "while 10,000 pictures are embedded, in Chromium, ms",
        lambda r: times(r["photo"]["yielding"]["chromium"]),
        "p95 1,000",
        lambda r: f"without priorities {times(r['photo']['even']['chromium'])}",
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
        "memory, MiB at the quarters of each run",
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
