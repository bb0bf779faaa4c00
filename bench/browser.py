"""The product page in a throttled Chromium: when the largest thing is there, and what was sent.

    python bench/browser.py [--name browser]

Opens product pages from gunicorn as in production, on a phone's screen (412 x
823, 1.75 pixels a point) with a processor four times slower, and an empty browser cache each time:

- ``slow_4g``: 150 ms and 1.6 Mbit/s, by which Lighthouse's mobile run names its network.
- ``slow_4g_applied``: 562.5 ms a request and 1.47 Mbit/s, by which it imitates that, since
  a browser's own throttling delays requests and not packets.
- ``no_compression``: the rival, the same as ``slow_4g_applied`` with ``Accept-Encoding: identity``.
- ``second_page``: another product with the cache that the first has filled.

Prints one JSON object and writes it to bench/results/NAME.json.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.pages import shop  # noqa: E402, I001 - it sets Django up

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Avg  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

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
SLOWER = 4
REPETITIONS = 5
PHONE = {"viewport": {"width": 412, "height": 823}, "device_scale_factor": 1.75, "is_mobile": True}
# The last candidate counts; the promise waits for those that were painted before it was asked.
LARGEST = """() => new Promise((done) => new PerformanceObserver((list) => {
    const last = list.getEntries().at(-1);
    done([last.startTime, last.element?.tagName ?? ""]);
}).observe({ type: "largest-contentful-paint", buffered: true }))"""
SENT = """() => performance.getEntriesByType("resource").concat(
    performance.getEntriesByType("navigation")).map((one) => ({
        name: one.name, sent: one.transferSize, encoded: one.encodedBodySize,
        decoded: one.decodedBodySize }))"""


def look(page: Page, address: str, network: dict[str, float], accept: str = "") -> dict[str, Any]:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {"offline": False, **network})
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    if accept:
        page.set_extra_http_headers({"Accept-Encoding": accept})
    page.goto(address, wait_until="load")
    page.wait_for_timeout(500)
    milliseconds, element = page.evaluate(LARGEST)
    return {"lcp": milliseconds, "element": element, "sent": page.evaluate(SENT)}


def visits(
    browser: Browser, addresses: list[str], network: dict[str, float], accept: str = ""
) -> dict[str, Any]:
    seen = []
    for address in addresses:
        context = browser.new_context(**PHONE)  # type: ignore[arg-type]
        seen.append(look(context.new_page(), address, network, accept))
        context.close()
    return _summary(seen)


def second_page(browser: Browser, addresses: list[str]) -> dict[str, Any]:
    seen = []
    for first, second in zip(addresses, addresses[1:] + addresses[:1], strict=True):
        context = browser.new_context(**PHONE)  # type: ignore[arg-type]
        page = context.new_page()
        look(page, first, NETWORKS["slow_4g_applied"])
        seen.append(look(page, second, NETWORKS["slow_4g_applied"]))
        context.close()
    return _summary(seen)


def _summary(seen: list[dict[str, Any]]) -> dict[str, Any]:
    times = [one["lcp"] for one in seen]
    return {
        "lcp_ms_median": round(statistics.median(times)),
        "lcp_ms_least_and_most": [round(min(times)), round(max(times))],
        "largest": sorted({one["element"] for one in seen}),
        "visits": len(seen),
        "requests": round(statistics.median(len(one["sent"]) for one in seen)),
        "css_and_js_bytes": _bytes(seen, (".css", ".js")),
        "picture_bytes": _bytes(seen, (".webp", ".svg")),
        "html_bytes": _bytes(seen, ("/",)),
    }


def _bytes(seen: list[dict[str, Any]], ends: tuple[str, ...]) -> dict[str, int]:
    """Medians of what one visit loads: sent (with headers), its bodies, and unpacked."""
    sums = [
        [sum(file[key] for file in one["sent"] if file["name"].endswith(ends)) for one in seen]
        for key in ("sent", "encoded", "decoded")
    ]
    return dict(zip(("sent", "bodies", "unpacked"), map(statistics.median_low, sums), strict=True))


def headers(address: str, path: str) -> dict[str, str | None]:
    request = urllib.request.Request(f"{address}{path}", headers={"Accept-Encoding": "gzip, br"})  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own
        names = ("Content-Encoding", "Cache-Control", "Vary", "ETag")
        return {name: answer.headers[name] for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
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
        "processor_slower": SLOWER,
    }
    connection.close()
    chosen = random.Random(6).sample(slugs, REPETITIONS)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    log = Path(tempfile.mkdtemp(prefix="bench-browser-")) / "access.log"
    with shop(ROOT, ["-c", "python:config.gunicorn"], log) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        addresses = [f"{address}/products/{slug}/" for slug in chosen]
        visits(browser, addresses, {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
        for network, conditions in NETWORKS.items():
            result[network] = visits(browser, addresses, conditions)
        applied = NETWORKS["slow_4g_applied"]
        result["no_compression"] = visits(browser, addresses, applied, "identity")
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
