from __future__ import annotations

import subprocess
from pathlib import Path

from demo.processes import YIELDING, shell_commands


def test_only_bulk_workers_yield() -> None:
    commands = shell_commands(8000, Path("log"))
    assert {name for name, command in commands.items() if command.startswith(YIELDING)} == {
        "catalogue",
        "uploads",
    }


def test_a_yielding_process_yields_beyond_its_own_session() -> None:
    groups = Path("/proc/self/autogroup")
    seen = "nice; cat /proc/self/autogroup" if groups.exists() else "nice; echo nice 10"
    shell = ["/bin/sh", "-c", f"{YIELDING} /bin/sh -c '{seen}'"]
    done = subprocess.run(shell, start_new_session=True, capture_output=True, text=True, check=True)
    own, group = done.stdout.splitlines()
    assert (own, group.split()[-2:]) == ("10", ["nice", "10"])
