"""Measure Lighthouse's scores of the main pages, with its settings for phones.

    python bench/lighthouse.py [--repetitions 3] [--pages home,listing] [--cpu-slowdown 4]

Starts gunicorn as in production on the shop's catalogue and runs Lighthouse, which Deno fetches
from npm, in the installed Chromium or that of ``CHROME_PATH``. Prints each page's scores (medians
of the repetitions) and the audits that lost points; exits with 1 if a score is below its limit. The
results page of a photo has no limit for SEO, because it is private and therefore ``noindex``.

A busy or slow machine lowers the scores. Lighthouse slows the CPU down to that of a phone and
assumes a desktop with a benchmark index (printed as ``index``) of 1,500; its authors advise a
smaller ``--cpu-slowdown`` for a machine with a smaller index.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.pages import gunicorn  # noqa: E402, I001 - it sets Django up

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.chromium import find_chromium  # noqa: E402
from bench.embeddings import embedded_photo  # noqa: E402
from recommender.models import EmbeddingModel, QueryPhoto  # noqa: E402
from shop.catalogue.models import Product  # noqa: E402

LIGHTHOUSE = "npm:lighthouse@13.5.0"
LIMITS = {"performance": 95, "accessibility": 100, "best-practices": 95, "seo": 95}
PRIVATE_LIMITS = {name: limit for name, limit in LIMITS.items() if name != "seo"}


@dataclass(frozen=True)
class Page:
    """Holds a page's path, the cookies to send, and the lowest accepted scores."""

    path: str
    cookies: str = ""
    limits: Mapping[str, int] = field(default_factory=lambda: LIMITS)


def cart_cookies(product: Product) -> str:
    """Return the cookies of a guest with the product in the cart."""
    client = Client(headers={"host": "localhost"})
    variant = product.variants.filter(stock__gt=0).first()
    client.post("/cart/add/", {"product": product.slug, "variant": variant.pk if variant else ""})
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


@contextmanager
def query_photo() -> Iterator[QueryPhoto]:
    """Create a query photo that is already embedded; delete it after the block."""
    embedded = EmbeddingModel.objects.active().embeddings.filter(status="embedded")
    photo = embedded_photo(embedded.select_related("image").order_by("pk")[0])
    try:
        yield photo
    finally:
        photo.delete()


def report(address: str, cookies: str, slowdown: float, folder: Path) -> dict[str, Any]:
    """Run Lighthouse and return its report; try up to three times, since it fails now and then."""
    output = folder / "report.json"
    command = [str(Path(sys.executable).with_name("deno")), "run", "--allow-all", "--quiet"]
    command += [LIGHTHOUSE, address, "--quiet", "--output=json", f"--output-path={output}"]
    command += [f"--only-categories={','.join(LIMITS)}"]
    command += ["--chrome-flags=--headless=new --no-sandbox"]
    command += [f"--throttling.cpuSlowdownMultiplier={slowdown}"]
    if cookies:
        command.append(f"--extra-headers={json.dumps({'Cookie': cookies})}")
    cache = str(settings.VAR_DIR / "deno")
    environment = {
        "CHROME_PATH": find_chromium() or "",
        "DENO_DIR": cache,
        "DENO_NO_UPDATE_CHECK": "1",
    }
    run = partial(subprocess.run, command, env=environment | os.environ, cwd=folder)
    if run(check=False).returncode and run(check=False).returncode:
        run(check=True)
    result: dict[str, Any] = json.loads(output.read_text())
    return result


def scores(reports: list[dict[str, Any]]) -> dict[str, int]:
    """Return the median score of each category, from 0 to 100."""
    return {
        name: round(100 * statistics.median(one["categories"][name]["score"] for one in reports))
        for name in LIMITS
    }


def findings(result: dict[str, Any]) -> list[str]:
    """Return the audits of a report that lost points, with the values they measured."""
    found = []
    for name in LIMITS:
        for reference in result["categories"][name]["auditRefs"]:
            audit = result["audits"][reference["id"]]
            if reference["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                found.append(f"{name}: {audit['title']} {audit.get('displayValue', '')}".rstrip())
    return found


def measure(address: str, pages: dict[str, Page], options: Namespace) -> bool:
    """Print the scores of the pages; return whether all reach their limits."""
    good = True
    for name, page in pages.items():
        with tempfile.TemporaryDirectory(prefix="bench-lighthouse-") as folder:
            reports = [
                report(address + page.path, page.cookies, options.cpu_slowdown, Path(folder))
                for _run in range(options.repetitions)
            ]
        found = scores(reports)
        low = [category for category, limit in page.limits.items() if found[category] < limit]
        good = good and not low
        index = statistics.median(one["environment"]["benchmarkIndex"] for one in reports)
        words = ", ".join(f"{category} {score}" for category, score in found.items())
        print(f"{name}: {words} (index {index:.0f})", f"BELOW {', '.join(low)}" if low else "")
        for finding in findings(reports[-1]):
            print(f"    {finding}", flush=True)
    return good


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--pages", default="", help="some of them, separated by commas")
    parser.add_argument("--cpu-slowdown", type=float, default=4, help="Lighthouse's own is 4")
    options = parser.parse_args()
    call_command("collectstatic", verbosity=0, interactive=False)
    product = Product.objects.listed().in_stock().order_by("pk")[0]
    with query_photo() as photo, tempfile.TemporaryDirectory(prefix="bench-lighthouse-") as folder:
        pages = {
            "home": Page("/"),
            "listing": Page("/products/"),
            "product": Page(product.get_absolute_url()),
            "cart": Page("/cart/", cookies=cart_cookies(product)),
            "photo search": Page("/photo-search/"),
            "photo results": Page(photo.get_absolute_url(), limits=PRIVATE_LIMITS),
        }
        wanted = options.pages.split(",") if options.pages else list(pages)
        chosen = {name: pages[name] for name in wanted}
        log = Path(folder) / "access.log"
        with gunicorn(ROOT, ["-c", "python:config.gunicorn"], log) as address:
            good = measure(address, chosen, options)
    sys.exit(not good)


if __name__ == "__main__":
    main()
