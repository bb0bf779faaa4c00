from __future__ import annotations

from pathlib import Path

import pytest

from demo.catalogue.ranges import RANGES
from recommender.recommendations.outfits import (
    COMPLETED_BY,
    NEUTRALS,
    ROLE_OF,
    colours_for,
    colours_match,
    role_of,
)
from shop.catalogue.browsing.colours import HEX
from shop.catalogue.models import Category, Product


def _role(path: str) -> str:
    return role_of(Product(category=Category(path=path)))


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("apparel/topwear/tshirts", "top"),
        ("apparel/topwear/unheard-of", "top"),
        ("apparel/topwear/jackets", "layer"),
        ("apparel/topwear/belts", "accessory"),
        ("apparel/dress/dresses", "whole"),
        ("apparel/bottomwear/jeans", "bottom"),
        ("apparel/bottomwear/tights", ""),
        ("apparel/innerwear/briefs", ""),
        ("footwear/shoes/heels", "shoes"),
        ("footwear/sandal/sandals", "shoes"),
        ("accessories/bags/handbags", "bag"),
        ("accessories/bags/mobile-pouch", ""),
        ("accessories/watches/watches", "accessory"),
        ("accessories/wallets/wallets", ""),
        ("personal-care/lips/lipstick", ""),
        ("home", ""),
    ],
)
def test_the_role_is_that_of_the_category_or_of_its_parent(path: str, role: str) -> None:
    assert _role(path) == role


def test_products_of_the_demo_shop_have_a_role() -> None:
    without = {"Wallets", "Socks"}
    for one in RANGES:
        path = "/".join(name.lower().replace(" ", "-") for name in (*one.tree, one.article))
        assert bool(_role(path)) == (one.article not in without), path


def test_every_role_is_completed_by_others_only() -> None:
    assert set(COMPLETED_BY) == set(ROLE_OF.values()) - {""}
    for role, others in COMPLETED_BY.items():
        assert role not in others
        assert len(set(others)) == len(others) == 4


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Black", "Red", True),
        ("Navy Blue", "Multi", True),
        ("Blue", "Teal", True),
        ("Red", "Red", True),
        ("Blue", "Orange", True),
        ("Blue", "Mustard", True),
        ("Red", "Green", False),
        ("Pink", "Yellow", False),
        ("Blue", "Red", False),
        ("Multi", "Multi", False),
        ("", "Red", False),
        ("", "Black", True),
    ],
)
def test_neutrals_match_any_colour_and_hues_match_near_and_opposite_ones(
    one: str, other: str, expected: bool
) -> None:
    assert colours_match(one, other) is colours_match(other, one) is expected


def test_neutrals_are_colours_of_the_shop() -> None:
    assert set(HEX) >= NEUTRALS


def test_colours_that_match_several_match_each_of_them() -> None:
    both = colours_for(["Red", "Blue"])
    assert set(both) == set(colours_for(["Red"])) & set(colours_for(["Blue"]))
    assert set(both) >= NEUTRALS
    assert colours_for([]) == sorted(HEX)


def test_the_documentation_has_every_role() -> None:
    text = (Path(__file__).parents[3] / "docs" / "recommendations.md").read_text()
    for role in COMPLETED_BY:
        assert f"| {role} |" in text
