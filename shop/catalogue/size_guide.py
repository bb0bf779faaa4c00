"""Convert sizes to centimetres for the size guide of a product page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from shop.catalogue.models import Product, Variant

# Chest and waist in cm according to EN 13402-3.
WOMEN = {
    "XXS": ("66–74", "50–58"),
    "XS": ("74–82", "58–66"),
    "S": ("82–90", "66–74"),
    "M": ("90–98", "74–82"),
    "L": ("98–107", "82–91"),
    "XL": ("107–119", "91–103"),
    "XXL": ("119–131", "103–115"),
}
MEN = {
    "XXS": ("70–78", "58–66"),
    "XS": ("78–86", "66–74"),
    "S": ("86–94", "74–82"),
    "M": ("94–102", "82–90"),
    "L": ("102–110", "90–98"),
    "XL": ("110–118", "98–106"),
    "XXL": ("118–129", "106–117"),
}
SHOE_SIZES = range(16, 53)
FOOTWEAR = "footwear"


@dataclass(frozen=True)
class SizeGuide:
    """Holds the table of a size guide, with a row for each size."""

    columns: list[str]
    rows: list[tuple[str, ...]]


def size_guide(product: Product, variants: Iterable[Variant]) -> SizeGuide | None:
    """Return the size guide for the sizes of the variants, or ``None`` if no size is known."""
    rows: list[tuple[str, ...]]
    sizes = list(dict.fromkeys(variant.size for variant in variants if variant.size))
    if product.category.path.split("/")[0] == FOOTWEAR:
        rows = _foot_lengths(sizes)
        columns = [_("EU size"), _("Foot length (cm)")]
    elif product.gender in {Product.Gender.BOYS, Product.Gender.GIRLS}:
        return None  # letter sizes for children are not standardised
    else:
        table = WOMEN if product.gender == Product.Gender.WOMEN else MEN
        rows = [(size, *table[size]) for size in sizes if size in table]
        columns = [_("Size"), _("Chest (cm)"), _("Waist (cm)")]
    return SizeGuide(columns, rows) if rows else None


def _foot_lengths(sizes: list[str]) -> list[tuple[str, ...]]:
    """Return the European shoe sizes among ``sizes`` with the matching foot length."""
    shoes = [size for size in sizes if size.isdecimal() and int(size) in SHOE_SIZES]
    # One shoe size is two thirds of a centimetre, and a shoe is 1.3 cm longer than the foot.
    return [(size, f"{int(size) * 2 / 3 - 1.3:.1f}") for size in shoes]
