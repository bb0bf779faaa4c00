"""The lock files hold the required packages, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([\w.-]+)(?:\[\w,]+)?==([\w.]+)", re.MULTILINE)


def _pins(file: str) -> dict[str, str]:
    found = PIN.findall((ROOT / file).read_text())
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-bench"])
def test_the_lock_holds_every_requirement_at_its_version_with_hashes(name: str) -> None:
    asked, locked = _pins(f"{name}.txt"), _pins(f"{name}.lock")
    assert asked, "nothing is asked for"
    assert {package: locked.get(package) for package in asked} == asked, 'run "make lock"'
    entries = re.split(r"\n(?=\S)", (ROOT / f"{name}.lock").read_text().strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
