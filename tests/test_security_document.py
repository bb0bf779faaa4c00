"""Every test that docs/security.md names exists, and so does every guard of the mutation run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.guards import GUARDS, Guard

ROOT = Path(__file__).parent.parent
NAMED = re.findall(r"`(tests/\S+?\.py)::(\w+)`", (ROOT / "docs" / "security.md").read_text())


def test_the_document_names_tests() -> None:
    assert len(NAMED) > 50


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_named_test_exists(file: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_the_mutation_run_finds_the_guard_and_its_test(guard: Guard) -> None:
    assert guard.source in (ROOT / guard.file).read_text()
    assert (ROOT / guard.test.partition("::")[0]).exists()
