"""Break one guard at a time and see whether its test notices.

    python bench/mutations.py [--only PATTERN]

Copies the files that git knows into a temporary folder, where it replaces a guard's source text,
runs its test, and puts the text back. A guard is ``killed`` if the test fails, ``survived`` if it
passes. First all tests must pass on the unchanged copy. Prints the table of docs/security.md and
writes bench/results/mutations.json, where ``--only`` replaces the outcomes of some guards. All
tests share one database and one Redis, started here.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.guards import GUARDS, Guard  # noqa: E402
from demo.servers import EmbeddedServers  # noqa: E402

RESULT = ROOT / "bench" / "results" / "mutations.json"
LIMIT_SECONDS = 60
# Otherwise Python may take the compiled file of the moment before.
PYTEST = (sys.executable, "-B", "-m", "pytest", "-q", "--no-header", "--reuse-db", "-x")


@dataclass(frozen=True)
class Outcome:
    """Holds whether a test noticed that one guard was broken."""

    guard: str
    file: str
    test: str
    outcome: str
    seconds: float


def main() -> None:
    """Break every guard, or those whose name ``--only`` matches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    pattern = parser.parse_args().only
    wanted = [guard for guard in GUARDS if re.search(pattern, guard.name)]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        _copy_tree(copy)
        servers = EmbeddedServers(Path(folder) / "var")
        servers.start()
        try:
            outcomes = _break_all(copy, wanted, os.environ | servers.environment)
        finally:
            servers.stop()
    outcomes = _with_earlier(outcomes)
    RESULT.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")
    print(table(outcomes))
    if any(outcome.outcome != "killed" for outcome in outcomes):
        sys.exit(1)


def _with_earlier(outcomes: list[Outcome]) -> list[Outcome]:
    """Return an outcome for each guard: a new one, or that of an earlier run."""
    earlier = json.loads(RESULT.read_text()) if RESULT.exists() else []
    known = {row["guard"]: Outcome(**row) for row in earlier}
    known |= {outcome.guard: outcome for outcome in outcomes}
    return [known[guard.name] for guard in GUARDS if guard.name in known]


def _copy_tree(copy: Path) -> None:
    git = str(shutil.which("git"))
    listed = subprocess.run(
        [git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)


def _break_all(copy: Path, guards: list[Guard], environment: dict[str, str]) -> list[Outcome]:
    tests = sorted({guard.test for guard in guards})
    done = subprocess.run([*PYTEST, *tests], cwd=copy, env=environment, check=False)
    if done.returncode:
        sys.exit("The tests must pass before anything is broken.")
    return [_break(copy, guard, environment) for guard in guards]


def _break(copy: Path, guard: Guard, environment: dict[str, str]) -> Outcome:
    file = copy / guard.file
    text = file.read_text()
    if guard.source not in text:
        sys.exit(f"{guard.name}: {guard.file} no longer holds {guard.source!r}")
    file.write_text(text.replace(guard.source, guard.broken))
    begin = time.monotonic()
    outcome = _run(copy, guard, environment)
    file.write_text(text)
    seconds = round(time.monotonic() - begin, 1)
    print(f"{outcome:9} {seconds:5} s  {guard.name}", file=sys.stderr)
    return Outcome(guard.name, guard.file, guard.test, outcome, seconds)


def _run(copy: Path, guard: Guard, environment: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            [*PYTEST, guard.test],
            cwd=copy,
            env=environment,
            check=False,
            capture_output=True,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "too slow"
    # 1: a test failed; anything else is no verdict of a test.
    return {0: "survived", 1: "killed"}.get(done.returncode, f"error {done.returncode}")


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes as a table in Markdown."""
    lines = ["| guard | in | test | outcome |", "|---|---|---|---|"]
    for one in outcomes:
        path, _colons, name = one.test.partition("::")
        lines.append(f"| {one.guard} | `{one.file}` | `{path}` `{name}` | {one.outcome} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
