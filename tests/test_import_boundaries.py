from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_vectors_are_compared_in_few_places() -> None:
    """Find ``<->`` in the search package, in the near-duplicates' query and in a trigger."""
    files = [
        path
        for package in ("backoffice", "config", "recommender", "shop")
        for path in (ROOT / package).rglob("*.py")
        if " <-> " in path.read_text()
    ]
    packages = ("recommender/nearest/", "recommender/migrations/")
    others = {str(path.relative_to(ROOT)) for path in files}
    others = {name for name in others if not name.startswith(packages)}
    assert others == {"recommender/duplicates/grouping.py"}
