"""Measure the import of a whole catalogue through the staff's upload page.

    python bench/upload.py [PATH]

Imports a ZIP into a new database, through Chromium, gunicorn and the Celery worker of uploads. For
comparison, the command ``import_catalogue`` imports the same ZIP into another database. Checks that
both databases have the same contents, and by a dry run that importing an export would change
nothing. Prints one JSON object and writes it to bench/results/upload.json.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.arguments import argument_parser  # noqa: E402
from bench.chromium import find_chromium  # noqa: E402
from demo.servers import EmbeddedServers  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "fashion-products.zip"
RESULT = ROOT / "bench" / "results" / "upload.json"
PASSWORD = "bench-password"  # noqa: S105 - of a database that lives for minutes
CONTENTS = """
import hashlib, json
from shop.catalogue.models import Product, ProductImage, Variant
digest = hashlib.sha256()
def add(rows):
    for row in rows: digest.update(json.dumps(row, default=str).encode())
add(Product.objects.order_by("external_id").values_list("external_id", "name", "slug", "brand",
    "category__path", "gender", "base_colour", "season", "year", "usage", "price", "currency",
    "stock", "description", "keywords", "listed").iterator())
add(Variant.objects.order_by("sku").values_list("sku", "size", "colour", "price", "stock"))
add(ProductImage.objects.order_by("product__external_id", "position").values_list(
    "product__external_id", "file", "width", "height", "position"))
print(json.dumps([Product.objects.count(), ProductImage.objects.count(), digest.hexdigest()]))
"""

PROGRESS = """() => {
    const bars = [...document.querySelectorAll("#upload progress")];
    return [document.getElementById("upload").dataset.state, bars.map((bar) => bar.value)];
}"""


class Memory(Thread):
    """Samples the memory of processes and their children; keeps the highest sample in MB."""

    def __init__(self, processes: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self.processes = processes
        self.peak = dict.fromkeys(processes, 0)
        self.stopped = Event()

    def run(self) -> None:
        while not self.stopped.wait(0.25):
            for name, pid in self.processes.items():
                for member in (pid, *_children(pid)):
                    self.peak[name] = max(self.peak[name], _resident(member))


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(text) for text in path.read_text().split()] if path.exists() else []


def _resident(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+)", text)
    return int(found[1]) // 1024 if found else 0


def _manage(folder: Path, *arguments: str, **options: Any) -> str:
    command = [sys.executable, "-W", "ignore", str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(
        command, env=_environment(folder), capture_output=True, text=True, check=False, **options
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, **EmbeddedServers(folder).environment}


@contextmanager
def _deleted(folder: Path) -> Iterator[None]:
    """Delete the folder after the block."""
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(path: Path) -> dict[str, Any]:
    """Import the ZIP through the page and by the command; compare times and contents."""
    folder = Path(tempfile.mkdtemp(prefix="bench-upload-"))
    rival = Path(tempfile.mkdtemp(prefix="bench-import-"))
    with (
        _deleted(folder),
        _deleted(rival),
        EmbeddedServers(folder).running(),
        EmbeddedServers(rival).running(),
    ):
        page = _by_page(folder, path)
        page_contents = json.loads(_manage(folder, "shell", "-v", "0", "-c", CONTENTS))
        table = folder / "export.csv"
        _manage(folder, "export_catalogue", str(table))
        dry_run = _manage(folder, "import_catalogue", str(table), "--dry-run")
        _manage(rival, "migrate", "-v", "0")
        started = time.perf_counter()
        _manage(rival, "import_catalogue", str(path))
        seconds = time.perf_counter() - started
        command_contents = json.loads(_manage(rival, "shell", "-v", "0", "-c", CONTENTS))
    from bench.environment import environment

    return {
        **page,
        "products": page_contents[0],
        "pictures": page_contents[1],
        "command": {
            "seconds": round(seconds, 1),
            "same_contents": page_contents == command_contents,
        },
        "page_over_command": round(page["run_seconds"] / seconds, 2),
        "export_then_dry_run": dry_run.splitlines()[:5],
        "environment": environment(),
    }


def _by_page(folder: Path, path: Path) -> dict[str, Any]:
    """Run the web server and the worker, and upload the ZIP with a browser."""
    _manage(folder, "migrate", "-v", "0")
    _manage(folder, "collectstatic", "--noinput", "-v", "0")
    environment = _environment(folder) | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    create = ["createsuperuser", "--noinput", "--username", "bench", "--email", "b@example.com"]
    command = [sys.executable, "-W", "ignore", str(ROOT / "manage.py"), *create]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    port = _free_port()
    python = [sys.executable, "-W", "ignore"]
    web = ["-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
    worker = ["-m", "celery", "-A", "config", "worker", "-Q", "uploads", "--concurrency", "1"]
    processes = {
        name: subprocess.Popen(
            [*python, *command], env=environment, cwd=ROOT, stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for name, command in (("web", web), ("worker", worker))
    }  # fmt: skip
    memory = Memory({name: process.pid for name, process in processes.items()})
    memory.start()
    try:
        result = _upload(f"http://127.0.0.1:{port}", path)
    finally:
        memory.stopped.set()
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(60)
    return {**result, "peak_megabytes": memory.peak}


def _upload(address: str, path: Path) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        for _attempt in range(100):
            try:
                page.goto(f"{address}/admin/")
                break
            except Exception:
                time.sleep(0.2)
        page.fill("#id_login", "bench")
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")
        # Waits for the whole address, because that of the login page also ends with /admin/.
        page.wait_for_url(f"{address}/admin/")
        page.goto(f"{address}/admin/imports/upload/new/")
        page.set_input_files("#id_table", path)
        started = time.perf_counter()
        page.get_by_role("button", name="Upload and preview").click()
        page.wait_for_selector("[data-state=checked]")
        upload = time.perf_counter() - started
        check, _seen = _press_and_wait(page, "Check all rows", "checked")
        run, seen = _press_and_wait(page, re.compile("^Import [0-9]"), "done")
        counts = {
            place.get_attribute("data-count"): int(place.inner_text())
            for place in page.locator("[data-count]").all()
        }
        browser.close()
    return {
        "upload_seconds": round(upload, 1),
        "check_seconds": round(check, 1),
        "run_seconds": round(run, 1),
        "progress_values_seen": seen,
        **counts,
    }


def _press_and_wait(page: Any, button: str | re.Pattern[str], end: str) -> tuple[float, int]:
    """Press the button and wait until the upload's state is ``end``.

    Returns the seconds and the number of different progress values that the page has shown.
    """
    from playwright.sync_api import Error

    started = time.perf_counter()
    with page.expect_navigation():  # the page before the click may be in state ``end``
        page.get_by_role("button", name=button, exact=True).click()
    seen: set[float] = set()
    while True:
        try:
            # State and progress are read in one call, because the page reloads when they change.
            state, percents = page.evaluate(PROGRESS)
        except Error:
            continue  # the page is reloading
        seen.update(percents)
        if state == end:
            return time.perf_counter() - started, len(seen)
        if state not in ("checking", "running"):
            sys.exit(f"The upload is {state}: {page.locator('#upload').inner_text()}")
        time.sleep(0.3)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=DATA)
    path: Path = parser.parse_args().path
    if not path.exists():
        sys.exit(f"{path} is missing: name the ZIP of a catalogue.")
    result = measure(path)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
