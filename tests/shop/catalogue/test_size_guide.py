from __future__ import annotations

import pytest

from shop.catalogue.size_guide import size_guide
from tests.factories import make_category, make_product, make_variant

pytestmark = pytest.mark.django_db


def _rows(sizes: str, **values: object) -> list[tuple[str, ...]] | None:
    product = make_product(**values)
    for position, size in enumerate(sizes.split()):
        make_variant(product, size=size, position=position)
    guide = size_guide(product, product.variants.all())
    return guide and guide.rows


def test_the_guide_lists_only_the_sizes_of_the_product() -> None:
    assert _rows("S XL", gender="Women") == [
        ("S", "82–90", "66–74"),
        ("XL", "107–119", "91–103"),
    ]
    assert _rows("S XL", gender="Men") == [("S", "86–94", "74–82"), ("XL", "110–118", "98–106")]


def test_shoe_sizes_are_shown_as_foot_length() -> None:
    shoes = make_category("Footwear", "Shoes", "Heels")
    assert _rows("38 41 L", category=shoes) == [("38", "24.0"), ("41", "26.0")]


@pytest.mark.parametrize(
    ("sizes", "gender"), [("", "Women"), ("128 One-size", "Women"), ("S M", "Girls")]
)
def test_unknown_sizes_have_no_guide(sizes: str, gender: str) -> None:
    assert _rows(sizes, gender=gender) is None
