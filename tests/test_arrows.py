from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("config", "recommender", "shop")
FORBIDDEN = {
    "shop": ("recommender", "config"),
    "recommender": ("config",),
    "shop/catalogue": (
        *("shop.accounts", "shop.api", "shop.cart", "shop.demo", "shop.imports", "shop.orders"),
        *("shop.mail", "shop.payments", "shop.wishlist"),
    ),
    "shop/mail": (
        *("shop.accounts", "shop.api", "shop.cart", "shop.catalogue", "shop.demo", "shop.imports"),
        *("shop.orders", "shop.payments", "shop.wishlist"),
    ),
    "shop/orders": ("shop.payments", "shop.api", "shop.imports"),
    "shop/accounts": ("shop.orders", "shop.cart", "shop.wishlist"),
}


def _sources(room: str) -> Iterator[Path]:
    return (ROOT / room).rglob("*.py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", FORBIDDEN)
def test_no_arrow_points_up(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _sources(room)
        for name in _imports(path)
        if any(name == upper or name.startswith(f"{upper}.") for upper in FORBIDDEN[room])
    ]
    assert wrong == []


def test_no_file_has_more_than_400_lines() -> None:
    rooms = (*ROOMS, "tests", "bench", "templates", "static")
    files = [p for room in rooms for p in (ROOT / room).rglob("*.*") if p.suffix in _CODE]
    long = [str(p.relative_to(ROOT)) for p in files if len(p.read_text().splitlines()) > 400]
    assert long == []


_CODE = {".py", ".html", ".css", ".js"}


def test_only_the_nearest_package_compares_vectors() -> None:
    """``<->`` in SQL stands in one place, and in the trigger that puts a vector into its cell."""
    files = [p for room in ROOMS for p in _sources(room) if " <-> " in p.read_text()]
    assert {str(p.parent.relative_to(ROOT)) for p in files} == {
        "recommender/nearest",
        "recommender/migrations",
    }
