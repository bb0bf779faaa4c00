"""Break one guard (safety check) of the code at a time and report whether its test fails.

    python bench/mutations.py [--only PATTERN]

Copies the files tracked by git into a temporary folder, replaces a guard's source text there, runs
its test, and restores the text. The outcome is ``killed`` if the test fails and ``survived`` if it
passes. Before that, all tests must pass on the unchanged copy. Prints the table of docs/security.md
and writes bench/results/mutations.json; ``--only`` replaces the outcomes of the guards whose names
match a regular expression. All tests share one PostgreSQL and one Redis, started here.
"""

from __future__ import annotations

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

from bench.arguments import argument_parser  # noqa: E402
from bench.guards import GUARDS, Guard  # noqa: E402
from demo.servers import EmbeddedServers  # noqa: E402

RESULT = ROOT / "bench" / "results" / "mutations.json"
LIMIT_SECONDS = 60
# -B avoids compiled files: Python dates them by the second and could run one that is outdated.
PYTEST = (sys.executable, "-B", "-m", "pytest", "-q", "--no-header", "--reuse-db", "-x")


@dataclass(frozen=True)
class Outcome:
    """Holds a guard's name, file and test, the test's outcome, and how many seconds it took."""

    guard: str
    file: str
    test: str
    outcome: str
    seconds: float


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--only", default="")
    pattern = parser.parse_args().only
    chosen = [guard for guard in GUARDS if re.search(pattern, guard.name)]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        _copy_tree(copy)
        servers = EmbeddedServers(Path(folder) / "var")
        servers.start()
        try:
            outcomes = _break_all(copy, chosen, os.environ | servers.environment)
        finally:
            servers.stop()
    outcomes = _add_earlier(outcomes)
    RESULT.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")
    print(table(outcomes))
    if any(outcome.outcome != "killed" for outcome in outcomes):
        sys.exit(1)


def _add_earlier(outcomes: list[Outcome]) -> list[Outcome]:
    """Return these outcomes and, for all other guards, those of an earlier run."""
    earlier = json.loads(RESULT.read_text()) if RESULT.exists() else []
    known = {row["guard"]: Outcome(**row) for row in earlier}
    known |= {outcome.guard: outcome for outcome in outcomes}
    return [known[guard.name] for guard in GUARDS if guard.name in known]


def _copy_tree(copy: Path) -> None:
    """Copy the files tracked by git into the folder."""
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
    # pytest exits with 1 if a test failed; higher statuses mean that it could not run the test.
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
