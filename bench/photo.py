"""From a chosen photo to five results on the screen, in Chromium, on a running shop.

    python bench/photo.py ZIP [URL] [PHOTOS]

ZIP holds photos (`../shared/data/wardrobe-photos.zip`). The rival in the same run is the paper's
prototype on the same photos and the same shop's vectors, without any browser or server: decode,
``model.predict``, scikit-learn's brute-force nearest five.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop is in this thread

import django  # noqa: E402

django.setup()

from playwright.sync_api import Page, sync_playwright  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402

from bench.environment import environment  # noqa: E402
from recommender.folder import find_model  # noqa: E402
from recommender.models import EmbeddingModel  # noqa: E402
from recommender.network import build_network  # noqa: E402
from recommender.preprocessing import decode  # noqa: E402
from shop.catalogue.models import ProductImage  # noqa: E402

FIVE_SHOWN = """() => {
    const pictures = document.querySelectorAll('[data-block="photo"] [data-product-id] img');
    return pictures.length === 5 && [...pictures].every((i) => i.complete && i.naturalWidth > 0);
}"""


def choose(archive: Path, count: int, folder: Path) -> list[Path]:
    """Photos spread evenly over the archive."""
    with zipfile.ZipFile(archive) as photos:
        names = sorted(
            n for n in photos.namelist() if n.lower().endswith((".jpg", ".jpeg", ".png"))
        )
        return [Path(photos.extract(n, folder)) for n in names[:: len(names) // count][:count]]


def search(page: Page, url: str, photo: Path) -> float:
    page.goto(f"{url}/photo-search/", wait_until="networkidle")
    started = time.perf_counter()
    page.set_input_files("#photo", photo)
    page.wait_for_url("**/photo-search/*/", wait_until="commit")
    page.wait_for_function(FIVE_SHOWN, polling=10)
    return time.perf_counter() - started


def prototype(photos: list[Path]) -> list[float]:
    model = EmbeddingModel.objects.active()
    folder = find_model(model.name)
    network = build_network(folder)
    stored = ProductImage.objects.exclude(**{model.column: None}).values_list(
        model.column, flat=True
    )
    vectors = np.array(list(stored), dtype=np.float32)
    neighbours = NearestNeighbors(n_neighbors=5, algorithm="brute", metric="euclidean").fit(vectors)
    seconds = []
    for photo in [photos[0], *photos]:  # the first one warms up
        started = time.perf_counter()
        pixels = decode(photo.read_bytes(), folder.side)[None].astype(np.float32)
        neighbours.kneighbors(np.asarray(network.predict(pixels, verbose=0)))
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def main() -> None:
    archive = Path(sys.argv[1])
    url = sys.argv[2].rstrip("/") if len(sys.argv) > 2 else "http://127.0.0.1:8000"
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    machine = environment()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        photos = choose(archive, count, Path(folder))
        executable = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page()
        search(page, url, photos[0])  # the worker loads its network
        ours = [search(page, url, photo) for photo in photos]
        browser.close()
        theirs = prototype(photos)
    result = {
        "bench": "photo",
        "environment": machine,
        "photos": len(photos),
        "median_ms": round(statistics.median(ours) * 1000),
        "p95_ms": round(sorted(ours)[int(len(ours) * 0.95) - 1] * 1000),
        "prototype_median_ms": round(statistics.median(theirs) * 1000),
        "ratio_to_prototype": round(statistics.median(theirs) / statistics.median(ours), 2),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
