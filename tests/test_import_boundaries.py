from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_only_the_search_package_compares_vectors() -> None:
    """Find ``<->`` in one package, and in the trigger that assigns a vector to its centroid."""
    files = [
        path
        for package in ("backoffice", "config", "recommender", "shop")
        for path in (ROOT / package).rglob("*.py")
        if " <-> " in path.read_text()
    ]
    assert {str(path.parent.relative_to(ROOT)) for path in files} == {
        "recommender/nearest",
        "recommender/migrations",
    }
