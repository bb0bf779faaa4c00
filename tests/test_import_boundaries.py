from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_vectors_are_compared_only_in_the_search_package() -> None:
    """Find ``<->`` in the search package and in old migrations; in a tsquery it joins words."""
    files = [
        path
        for package in ("backoffice", "config", "recommender", "shop")
        for path in (ROOT / package).rglob("*.py")
        if " <-> " in path.read_text()
    ]
    phrases = "shop/catalogue/browsing/search_terms.py"
    packages = ("recommender/search/", "recommender/migrations/", phrases)
    others = {str(path.relative_to(ROOT)) for path in files}
    assert [name for name in others if not name.startswith(packages)] == []
