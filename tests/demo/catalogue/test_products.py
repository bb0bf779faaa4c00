from __future__ import annotations

import pytest

from demo.catalogue.palette import COLOURS
from demo.catalogue.products import demo_products
from shop.catalogue.browsing.colours import hex_of


def test_there_are_enough_products_of_enough_types() -> None:
    products = demo_products()
    assert len(products) >= 240
    assert len({product.range.article for product in products}) >= 16


def test_ids_are_unique() -> None:
    ids = [product.id for product in demo_products()]
    assert len(set(ids)) == len(ids)


def test_every_product_can_be_drawn_twice_alike() -> None:
    for product in demo_products():
        assert product.sheet().sharp_svg(None) == product.sheet().sharp_svg(None)


def test_the_sizes_share_the_stock() -> None:
    for product in demo_products():
        rows = product.rows()
        assert sum(int(row[-3]) for row in rows) == product.stock
        assert len({row[-2] for row in rows}) == len(rows)
    shirt = next(p for p in demo_products() if p.range.tree[1] == "Topwear")
    assert [row[-1] for row in shirt.rows()] == ["S", "M", "L", "XL"]


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_of_the_demo_has_a_swatch(colour: str) -> None:
    assert hex_of(colour)
