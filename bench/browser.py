"""Measure largest contentful paint and transfer sizes of product pages in a throttled Chromium.

    python bench/browser.py [--name browser]

Opens product pages served by gunicorn as in production, on a phone's screen (412 x 823 CSS pixels,
device pixel ratio 1.75), with the CPU slowed down four times and an empty browser cache each time:

- ``slow_4g``: 150 ms latency and 1.6 Mbit/s, the network of Lighthouse's mobile settings.
- ``slow_4g_applied``: 562.5 ms per request and 1.47 Mbit/s. Lighthouse gives a browser these values
  to imitate that network, because a browser can only delay whole requests, not packets.
- ``no_compression``, for comparison: ``slow_4g_applied`` with ``Accept-Encoding: identity``.
- ``second_page``: the page of a second product, when the first page's files are in the cache.

Prints one JSON object and writes it to bench/results/NAME.json.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.pages import gunicorn  # noqa: E402, I001 - it sets Django up

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Avg  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.chromium import find_chromium  # noqa: E402
from bench.environment import environment  # noqa: E402
from shop.catalogue.models import Product, ProductImage  # noqa: E402

NETWORKS = {
    "slow_4g": {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8},
    "slow_4g_applied": {
        "latency": 562.5,
        "downloadThroughput": 1474.56e3 / 8,
        "uploadThroughput": 675e3 / 8,
    },
}
UNTHROTTLED = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
CPU_SLOWDOWN = 4
PAGES = 5
PHONE = {"viewport": {"width": 412, "height": 823}, "device_scale_factor": 1.75, "is_mobile": True}
# ``buffered`` also reports paints from before this script runs. The last entry is the largest.
LARGEST_PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
    const last = list.getEntries().at(-1);
    done([last.startTime, last.element?.tagName ?? ""]);
}).observe({ type: "largest-contentful-paint", buffered: true }))"""
TRANSFERRED = """() => performance.getEntriesByType("resource").concat(
    performance.getEntriesByType("navigation")).map((one) => ({
        name: one.name, sent: one.transferSize, encoded: one.encodedBodySize,
        decoded: one.decodedBodySize }))"""


def open_page(
    page: Page, address: str, network: dict[str, float], accept: str = ""
) -> dict[str, Any]:
    """Load a page over the emulated ``network``; return its largest paint and the loaded files."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {"offline": False, **network})
    session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    if accept:
        page.set_extra_http_headers({"Accept-Encoding": accept})
    page.goto(address, wait_until="load")
    page.wait_for_timeout(500)
    milliseconds, element = page.evaluate(LARGEST_PAINT)
    return {"lcp": milliseconds, "element": element, "sent": page.evaluate(TRANSFERRED)}


def first_pages(
    browser: Browser, addresses: list[str], network: dict[str, float], accept: str = ""
) -> dict[str, Any]:
    """Load each page with an empty browser cache; summarise the visits."""
    visits = []
    for address in addresses:
        context = browser.new_context(**PHONE)  # type: ignore[arg-type]
        visits.append(open_page(context.new_page(), address, network, accept))
        context.close()
    return _summary(visits)


def second_page(browser: Browser, addresses: list[str]) -> dict[str, Any]:
    """Load each page after another page, whose files are then in the browser cache."""
    visits = []
    for first, second in zip(addresses, addresses[1:] + addresses[:1], strict=True):
        context = browser.new_context(**PHONE)  # type: ignore[arg-type]
        page = context.new_page()
        open_page(page, first, NETWORKS["slow_4g_applied"])
        visits.append(open_page(page, second, NETWORKS["slow_4g_applied"]))
        context.close()
    return _summary(visits)


def _summary(visits: list[dict[str, Any]]) -> dict[str, Any]:
    times = [visit["lcp"] for visit in visits]
    return {
        "lcp_ms_median": round(statistics.median(times)),
        "lcp_ms_least_and_most": [round(min(times)), round(max(times))],
        "largest": sorted({visit["element"] for visit in visits}),
        "visits": len(visits),
        "requests": round(statistics.median(len(visit["sent"]) for visit in visits)),
        "css_and_js_bytes": _bytes(visits, (".css", ".js")),
        "picture_bytes": _bytes(visits, (".webp", ".svg")),
        "html_bytes": _bytes(visits, ("/",)),
    }


def _bytes(visits: list[dict[str, Any]], suffixes: tuple[str, ...]) -> dict[str, int]:
    """Return median bytes per visit of files with these suffixes.

    ``sent`` includes headers, ``bodies`` does not, and ``unpacked`` counts decompressed bodies.
    """
    files = [
        [file for file in visit["sent"] if file["name"].endswith(suffixes)] for visit in visits
    ]
    keys = ("sent", "encoded", "decoded")
    sums = [[sum(file[key] for file in loaded) for loaded in files] for key in keys]
    return dict(zip(("sent", "bodies", "unpacked"), map(statistics.median_low, sums), strict=True))


def headers(address: str, path: str) -> dict[str, str | None]:
    """Return the response headers that control compression and caching."""
    request = urllib.request.Request(f"{address}{path}", headers={"Accept-Encoding": "gzip, br"})  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own
        names = ("Content-Encoding", "Cache-Control", "Vary", "ETag")
        return {name: answer.headers[name] for name in names}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--name", default="browser")
    name = parser.parse_args().name
    call_command("collectstatic", verbosity=0, interactive=False)
    slugs = list(Product.objects.listed().in_stock().order_by("pk").values_list("slug", flat=True))
    file = ProductImage.objects.order_by("pk").values_list("file", "width").first()
    result: dict[str, Any] = {
        "environment": environment(),
        "products": len(slugs),
        "picture_width_mean": ProductImage.objects.aggregate(mean=Avg("width"))["mean"],
        "screen": PHONE,
        "networks": NETWORKS,
        "cpu_slowdown": CPU_SLOWDOWN,
    }
    connection.close()
    chosen = random.Random(6).sample(slugs, PAGES)
    chromium = find_chromium()
    log = Path(tempfile.mkdtemp(prefix="bench-browser-")) / "access.log"
    with (
        gunicorn(ROOT, ["-c", "python:config.gunicorn"], log) as address,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        addresses = [f"{address}/products/{slug}/" for slug in chosen]
        first_pages(browser, addresses, UNTHROTTLED)  # warm-up
        for network, conditions in NETWORKS.items():
            result[network] = first_pages(browser, addresses, conditions)
        applied = NETWORKS["slow_4g_applied"]
        result["no_compression"] = first_pages(browser, addresses, applied, "identity")
        result["second_page"] = second_page(browser, addresses)
        result["headers"] = {
            "page": headers(address, f"/products/{chosen[0]}/"),
            "picture": headers(address, f"/pictures/{file[0][:-4]}-{min(file[1], 360)}.webp"),
        }
        browser.close()
    text = json.dumps(result, indent=1)
    (ROOT / "bench" / "results" / f"{name}.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
