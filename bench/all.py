"""Run the benchmarks of docs/performance.md one at a time, then write that page.

    python bench/all.py CATALOGUE PHOTOS IDS [--only NAME,...] [--million]

- CATALOGUE: a folder or ZIP that ``import_catalogue`` can import.
- PHOTOS: a ZIP of photos to search with.
- IDS: a text file with the ids of the products to measure precision at 5 with, one per line.

The catalogue is imported and embedded once into ``VAR_DIR`` (default: var/bench); benchmarks that
write get a copy of that folder. ``--million`` also enlarges a copy to a million images, which takes
an hour and 20 GB more. The other benchmarks take about an hour and a half on two cores. Other work
on the machine during that time distorts the figures.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.arguments import argument_parser  # noqa: E402
from demo.servers import EmbeddedServers  # noqa: E402

BASE = Path(os.environ.get("VAR_DIR", ROOT / "var" / "bench")).resolve()
COPY = BASE.with_name(f"{BASE.name}-copy")
LARGE = BASE.with_name(f"{BASE.name}-million")
MILLION = "1000000"
# The script of each benchmark with its arguments, and the folder that it gets as VAR_DIR.
RUNS: dict[str, tuple[str, Path]] = {
    "nearest": ("nearest", BASE),
    "recommendation_rows": ("recommendation_rows", BASE),
    "scaling": ("scaling", BASE),
    "precision": ("precision {ids}", BASE),
    "duplicates": ("duplicates", BASE),
    "personalised": ("personalised 400", BASE),
    "import": ("import {catalogue}", BASE),
    "import_prices": ("import {catalogue} --prices", COPY),
    "upload": ("upload {catalogue}", BASE),
    "replica": ("replica", BASE),
    "machines": ("machines", BASE),
    "pages": ("pages", COPY),
    "browser": ("browser", COPY),
    "photo": ("photo {photos}", COPY),
    "embed": ("embed", COPY),
    "embed_whole": ("embed --whole", COPY),
    "embed_split": ("embed_split", COPY),
    "growth_1": ("growth 1", COPY),
    "growth_4": ("growth 4", BASE.with_name(f"{BASE.name}-4")),
    "growth_16": ("growth 16", BASE.with_name(f"{BASE.name}-16")),
}
MILLIONS = {
    "million": (f"million {MILLION}", LARGE),
    "nearest_million": ("nearest 100", LARGE),
    "growth_million": ("growth 0", LARGE),
}


EMBED = """
from recommender.embedding.worker import embed_pending
from recommender.models import EmbeddingModel
embed_pending(EmbeddingModel.objects.active())
"""
VACUUM = "from django.db import connection; connection.cursor().execute('VACUUM ANALYZE')"


def run_python(folder: Path, *arguments: str, **variables: str) -> int:
    """Run a script with the folder as its VAR_DIR and return its exit status."""
    environment = os.environ | {"VAR_DIR": str(folder), **variables}
    command = [sys.executable, "-W", "ignore", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def prepare(catalogue: Path) -> None:
    """Import and embed the catalogue into ``BASE``, unless an earlier run did."""
    if (BASE / "postgres").exists():
        return
    steps = [
        ["migrate", "-v0"],
        ["import_catalogue", str(catalogue), "--sample-data"],
        ["shell", "-v0", "-c", EMBED],
        ["shell", "-v0", "-c", VACUUM],
    ]
    servers = EmbeddedServers(BASE)
    with servers.running():
        manage = partial(run_python, BASE, "manage.py", **servers.environment)
        failed = next((step[0] for step in steps if manage(*step)), "")
    if failed:
        shutil.rmtree(BASE, ignore_errors=True)
        sys.exit(f"The catalogue could not be prepared: manage.py {failed} failed.")


def make_copy(folder: Path) -> Path:
    """Return the folder; if it is missing, make it by copying ``BASE``.

    The database's files can be copied, because no server of ``BASE`` runs between benchmarks.
    """
    if folder != BASE and not (folder / "postgres").exists():
        subprocess.run(["cp", "-a", str(BASE), str(folder)], check=True)  # noqa: S607
        for leftover in ("run", "servers.lock"):
            path = folder / leftover
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return folder


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("ids", type=Path)
    parser.add_argument(
        "--only", default="", help=f"a comma-separated choice of {', '.join(RUNS | MILLIONS)}"
    )
    parser.add_argument("--million", action="store_true")
    options = parser.parse_args()
    paths = {
        name: Path(getattr(options, name)).resolve() for name in ("catalogue", "photos", "ids")
    }
    for path in paths.values():
        if not path.exists():
            sys.exit(f"{path} is missing.")
    runs = RUNS | (MILLIONS if options.million else {})
    names = options.only.split(",") if options.only else list(runs)
    if unknown := set(names) - set(RUNS | MILLIONS):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}.")
    prepare(paths["catalogue"])
    failed = []
    for name in names:
        arguments, folder = (RUNS | MILLIONS)[name]
        script, *rest = arguments.format(**paths).split()
        print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
        if run_python(make_copy(folder), f"bench/{script}.py", *rest):
            failed.append(name)
    run_python(BASE, "bench/report.py")
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
