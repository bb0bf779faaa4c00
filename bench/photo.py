"""Measure the time from uploading a photo to five results, also while images are embedded.

    python bench/photo.py ZIP [--photos 20] [--rounds 5] [--bulk 10000] [--port 8431]

Starts the shop's processes on the active database, which must hold an embedded catalogue, and
searches in Chromium and by plain HTTP:

- ``idle``: while the worker of the queue ``catalogue`` has nothing to do.
- ``even``: while it embeds BULK images with the priority of the other processes.
- ``yielding``: while it embeds them with the lower priority that ``make demo`` gives it.

So that there are images to embed, the embeddings of BULK images are deleted; the worker computes
them again. ZIP holds photos; those under ``validation/`` are used. For comparison, the same run
times the paper's prototype on the same photos and embeddings, without a browser or server: it
decodes the photo, calls ``model.predict`` and searches by scikit-learn's brute force. Prints one
JSON object and writes it to bench/results/photo.json.
"""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import zipfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# Playwright runs an event loop in this thread, in which Django would refuse to use the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
os.environ["PHOTO_SEARCHES_PER_HOUR"] = "1000000"


from bench.setup import set_up_django  # noqa: E402

set_up_django()

import psycopg  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402

from bench.arguments import argument_parser  # noqa: E402
from bench.chromium import find_chromium  # noqa: E402
from bench.embed import reset_embeddings  # noqa: E402
from bench.embeddings import read_embeddings  # noqa: E402
from bench.environment import environment  # noqa: E402
from demo.processes import YIELDING, shell_commands  # noqa: E402
from recommender.embedding.model_store import model_folder  # noqa: E402
from recommender.embedding.network import build_network  # noqa: E402
from recommender.embedding.preprocessing import decode  # noqa: E402
from recommender.embedding.queue import pending  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.tasks import embed_pending_images  # noqa: E402
from shop.catalogue.models import ProductImage  # noqa: E402

RESULT = ROOT / "bench" / "results" / "photo.json"
FIVE_SHOWN = """() => {
    const pictures = document.querySelectorAll('[data-block="photo"] [data-product-id] img');
    return pictures.length === 5 && [...pictures].every((i) => i.complete && i.naturalWidth > 0);
}"""
# Measures a search within the page, because controlling the browser from outside takes time, too.
PAGE_CLOCK = f"""addEventListener('change', () => {{
    const shown = {FIVE_SHOWN}, started = performance.now();
    const check = () => shown() ? (window.searched = performance.now() - started)
        : requestAnimationFrame(check);
    check();
}}, true)"""
TOKEN = re.compile(r'csrfmiddlewaretoken" value="([^"]+)"')
Search = Callable[[Path], float]


class TooFewResultsError(RuntimeError):
    """Raised when the results page of a photo does not show five products.

    This happens if no garment is recognised, or if the shop has too few products like it.
    """


def extract_photos(archive: Path, count: int, folder: Path) -> list[Path]:
    """Extract ``count`` photos spread evenly over the archive."""
    with zipfile.ZipFile(archive) as photos:
        kinds = (".jpg", ".jpeg", ".png")
        names = sorted(n for n in photos.namelist() if n.lower().endswith(kinds))
        names = [n for n in names if "validation/" in n] or names
        return [Path(photos.extract(n, folder)) for n in names[:: len(names) // count][:count]]


@contextmanager
def running(name: str, command: str) -> Iterator[None]:
    """Run a process of the shop in its own session, as ``make demo`` does."""
    process = subprocess.Popen(["/bin/sh", "-c", command], cwd=ROOT, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def in_chromium(page: Page, url: str) -> Search:
    """Return a function that times a search in Chromium, until five pictures are visible.

    The time starts when the file is chosen. It is measured in this process, outside the browser.
    """

    def search(photo: Path) -> float:
        page.goto(f"{url}/photo-search/", wait_until="load")
        started = time.perf_counter()
        page.set_input_files("#photo", photo)
        page.wait_for_url("**/photo-search/*/", wait_until="commit")
        page.wait_for_function(FIVE_SHOWN, polling=10, timeout=60_000)
        return time.perf_counter() - started

    return search


def by_page_clock(page: Page, url: str) -> Search:
    """Return a function that times a search in Chromium by a script in the page.

    The time starts when the page has received the file.
    """
    page.add_init_script(PAGE_CLOCK)

    def search(photo: Path) -> float:
        page.goto(f"{url}/photo-search/", wait_until="load")
        page.set_input_files("#photo", photo)
        page.wait_for_function("() => window.searched", polling=50, timeout=60_000)
        return float(page.evaluate("() => window.searched")) / 1000

    return search


def by_http(url: str) -> Search:
    """Return a function that times a search by plain HTTP, from the upload to the results.

    Until the results are there, it requests the page again and again, as the page itself does.
    """
    session = requests.Session()
    session.headers["Referer"] = url

    def search(photo: Path) -> float:
        tokens = TOKEN.findall(session.get(f"{url}/photo-search/").text)
        form = {"csrfmiddlewaretoken": tokens[0]}
        content = photo.read_bytes()
        started = time.perf_counter()
        response = session.post(f"{url}/photo-search/", form, files={"photo": content})
        while 'data-state="waiting"' in response.text:
            time.sleep(0.3)
            response = session.get(response.url)
        seconds = time.perf_counter() - started
        if response.text.count("data-product-id=") != 5:
            raise TooFewResultsError(photo)
        return seconds

    return search


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/health/ready", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)
    raise SystemExit("The shop did not start in a minute.")


def with_five_results(search: Search, photos: list[Path]) -> list[Path]:
    """Return the photos that have five results; the others are not timed."""
    found = []
    for photo in photos:
        with suppress(TooFewResultsError):
            search(photo)
            found.append(photo)
    return found


def measure_idle(searches: dict[str, Search], photos: list[Path], rounds: int) -> dict[str, Any]:
    """Time each kind of search on all photos, ``rounds`` times."""
    seconds = {
        name: [[search(photo) for photo in photos] for _ in range(rounds)]
        for name, search in searches.items()
    }
    return {name: summarise(parts) for name, parts in seconds.items()}


def measure_while_embedding(
    searches: dict[str, Search], photos: list[Path], count: int
) -> dict[str, Any]:
    """Time the kinds of search in turns while a worker embeds ``count`` images.

    The worker first embeds a few images that are not timed, so that it has loaded the network.
    """
    model = EmbeddingModel.objects.active()
    reset_embeddings(model, 64)
    embed_pending_images.delay()
    while pending(model).exists():
        time.sleep(0.1)
    reset_embeddings(model, count)
    embed_pending_images.delay()
    seconds: dict[str, list[float]] = {name: [] for name in searches}
    started, place = time.perf_counter(), 0
    while (left := pending(model).count()) and time.perf_counter() - started < 600:
        for name, search in searches.items():
            seconds[name].append(search(photos[place % len(photos)]))
        place += 1
    # Only embedded images count, because the time limit may end the loop before all are embedded.
    rate = (count - left) / (time.perf_counter() - started)
    result: dict[str, Any] = {name: summarise([some]) for name, some in seconds.items()}
    return {**result, "pictures_embedded": count - left, "pictures_per_second": round(rate, 1)}


def summarise(rounds: list[list[float]]) -> dict[str, Any]:
    every = sorted(second for some in rounds for second in some)
    medians = [statistics.median(some) for some in rounds]
    return {
        "searches": len(every),
        "p50_ms": round(statistics.median(every) * 1000),
        "p95_ms": round(every[max(0, int(len(every) * 0.95) - 1)] * 1000),
        "max_ms": round(every[-1] * 1000),
        "p50_by_round_ms": [round(min(medians) * 1000), round(max(medians) * 1000)],
    }


def time_prototype(photos: list[Path]) -> list[float]:
    """Return the seconds that the paper's prototype takes to search with each photo."""
    model = EmbeddingModel.objects.active()
    folder = model_folder(model)
    network = build_network(folder)
    with psycopg.connect(connection.connection.info.dsn) as own, own.cursor() as cursor:
        vectors = read_embeddings(cursor, model.table).vectors.astype(np.float32)
    neighbours = NearestNeighbors(n_neighbors=5, algorithm="brute", metric="euclidean").fit(vectors)
    seconds = []
    for photo in [photos[0], *photos]:  # the first is the warm-up
        started = time.perf_counter()
        pixels = decode(photo.read_bytes(), folder.input_size)[None].astype(np.float32)
        neighbours.kneighbors(np.asarray(network.predict(pixels, verbose=0)))
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def measure(options: Namespace, photos: list[Path], page: Page) -> dict[str, Any]:
    url = f"http://127.0.0.1:{options.port}"
    if not (settings.STATIC_ROOT / "staticfiles.json").exists():
        call_command("collectstatic", verbosity=0, interactive=False)
    commands = shell_commands(options.port, settings.VAR_DIR / "log")
    result: dict[str, Any] = {}
    with running("web", commands["web"]), running("search", commands["search"]):
        wait_for(url)
        searches = {
            "chromium": in_chromium(page, url),
            "page": by_page_clock(page, url),
            "http": by_http(url),
        }
        photos = with_five_results(searches["http"], photos)
        result["photos"] = len(photos)
        for search in searches.values():  # warm-up: loads the network, makes renditions
            for photo in photos:
                search(photo)
        result["idle"] = measure_idle(searches, photos, options.rounds)
        if options.bulk:
            even = commands["catalogue"].replace(YIELDING, "exec")
            for state, command in {"even": even, "yielding": commands["catalogue"]}.items():
                with running("catalogue", command):
                    result[state] = measure_while_embedding(searches, photos, options.bulk)
    return result


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bulk", type=int, default=10_000)
    parser.add_argument("--port", type=int, default=8431)
    options = parser.parse_args()
    # Exit normally on SIGTERM, so that the shop's processes are stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    result: dict[str, Any] = {"bench": "photo", "environment": environment()}
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        photos = extract_photos(options.archive, options.photos, Path(folder))
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        result |= {"products": ProductImage.objects.count(), "photos_chosen": len(photos)}
        result |= measure(options, photos, browser.new_page())
        browser.close()
        result["prototype"] = summarise([time_prototype(photos)])
    result["times_prototype"] = round(
        result["prototype"]["p50_ms"] / result["idle"]["http"]["p50_ms"], 2
    )
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
