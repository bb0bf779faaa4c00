"""Define the products of the demo catalogue, without using Django."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import product as every
from math import gcd

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import brightness, hex_of
from demo.catalogue.paths import Box
from demo.catalogue.patterns import Cloth
from demo.catalogue.ranges import RANGES, Range

FIRST_ID = 100001
LETTERS = ("S", "M", "L", "XL")
SIZES = {
    "Topwear": LETTERS,
    "Bottomwear": LETTERS,
    "Dress": LETTERS,
    "Shoes": ("38", "39", "40", "41", "42"),
}
ACCENTS = ("Cream", "Navy Blue", "Mustard", "White", "Maroon", "Light Blue", "Black", "Peach")
PATTERN_WORDS = {
    "solid": "", "stripes": "Striped", "upright": "Regimental", "pinstripes": "Pinstriped",
    "gingham": "Gingham", "tartan": "Tartan", "dots": "Polka Dot", "floral": "Floral",
    "leaves": "Leaf Print", "chevron": "Chevron", "blocks": "Colour Block",
    "fairisle": "Fair Isle", "camouflage": "Camouflage",
}  # fmt: skip


@dataclass(frozen=True)
class DemoProduct:
    """Holds a product: its values in styles.csv, and what is needed to draw it."""

    id: int
    gender: str
    range: Range
    colour: str
    season: str
    year: int
    usage: str
    name: str
    brand: str
    price: Decimal
    stock: int
    description: str
    cut: str
    cloth: Cloth
    views: tuple[Box | None, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row for each size, with the values in the order of `folder.HEADER`."""
        words = (
            *(str(self.id), self.gender, *self.range.tree, self.range.article),
            *(self.colour, self.season, str(self.year), self.usage, self.name),
            *(self.brand, str(self.price), "EUR", self.description),
        )
        sizes = SIZES.get(self.range.tree[1], ("",))
        shares = _shares(self.stock, len(sizes), self.id)
        return [
            (*words, str(stock), f"{self.id}-{size}" if size else str(self.id), size)
            for size, stock in zip(sizes, shares, strict=True)
        ]

    def sheet(self) -> Sheet:
        """Draw the product; every call draws the same picture."""
        sheet = Sheet(self.range.texture)
        self.range.draw(sheet, self.cut, self.cloth)
        return sheet


def _shares(stock: int, sizes: int, number: int) -> list[int]:
    """Divide the stock among the sizes, so that one of them is often sold out."""
    weights = [1 + (number * 7 + size * 5) % 4 for size in range(sizes)]
    if sizes > 1:
        weights[number % sizes] = 0
    shares = [stock * weight // sum(weights) for weight in weights]
    shares[(number + 1) % sizes] += stock - sum(shares)
    return shares


def demo_products() -> list[DemoProduct]:
    """Return all products, the same ones every time."""
    # The article types are mixed evenly, as if a shop had added products over the years.
    steps = [(step / kind.count, kind, step) for kind in RANGES for step in range(kind.count)]
    steps.sort(key=lambda each: each[0])
    return [_product(kind, step, number) for number, (_place, kind, step) in enumerate(steps)]


def _product(kind: Range, step: int, number: int) -> DemoProduct:
    cut, pattern, colour = _choice(kind, step)
    gender = _cycle(kind.genders.split(), step + step // 3)
    brand = _cycle(kind.brands.split(","), step + step // 4)
    words = (brand, gender, colour, PATTERN_WORDS[pattern], kind.cuts[cut], kind.singular)
    cents = Decimal(kind.price * (80 + number * 17 % 50)) / 100
    return DemoProduct(
        id=FIRST_ID + number,
        gender=gender,
        range=kind,
        colour=colour,
        season=_cycle(kind.seasons.split(), step),
        year=2023 + number * 5 % 4,
        usage=_cycle(kind.usages.split(), step),
        name=" ".join(word for word in words if word),
        brand=brand,
        price=Decimal(int(cents)) + Decimal("0.95"),
        stock=0 if number % 33 == 16 else 2 + number * 13 % 60,
        description=_description(kind, cut, pattern, colour, brand),
        cut=cut,
        cloth=_cloth(kind, colour, pattern, step),
        views=(None, _close_up(kind)) if number % 5 == 2 else (None,),
    )


def _choice(kind: Range, step: int) -> tuple[str, str, str]:
    combinations = list(every(kind.cuts, kind.patterns.split(), kind.colours.split(",")))
    # The stride is coprime to the number of combinations, so that none repeats before all are used.
    stride = next(s for s in range(int(len(combinations) * 0.618), 0, -1) if _is_coprime(s, kind))
    return combinations[(step * stride) % len(combinations)]


def _is_coprime(stride: int, kind: Range) -> bool:
    sizes = len(kind.cuts), len(kind.patterns.split()), len(kind.colours.split(","))
    return all(gcd(stride, size) == 1 for size in sizes)


def _cycle(values: list[str], step: int) -> str:
    return values[step % len(values)]


def _cloth(kind: Range, colour: str, pattern: str, step: int) -> Cloth:
    base = hex_of(colour)
    options = [hex_of(name) for name in ACCENTS]
    clear = [a for a in options if abs(brightness(a) - brightness(base)) > 0.28]
    return Cloth(base, clear[step % len(clear)], pattern, kind.scale)


def _close_up(kind: Range) -> Box:
    x, y = kind.close_up
    return Box(x - 150, y - 200, x + 150, y + 200)


def _description(kind: Range, cut: str, pattern: str, colour: str, brand: str) -> str:
    look = PATTERN_WORDS[pattern].lower() or "plain"
    return (
        f"{kind.cuts[cut]} {kind.singular.lower()} by {brand} in {look} {colour.lower()} "
        f"{kind.material}. Drawn for the demo shop; any likeness to real goods is accidental."
    )
