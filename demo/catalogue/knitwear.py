"""Draw sweaters and sweatshirts."""

from __future__ import annotations

from dataclasses import replace

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import darker, lighter
from demo.catalogue.paths import MIDDLE, both, ellipse, mirror, rounded, symmetric
from demo.catalogue.patterns import Cloth
from demo.catalogue.tops import button
from demo.catalogue.torso import (
    Torso,
    back_neck,
    body,
    cuff_band,
    neck_band,
    ribbed,
    sleeve,
    sleeves,
)

CREW = Torso(
    neck=94, top=184, drop=72, shoulder=250, chest=268, waist=264, hem=246, armpit=470,
    bottom=1010, dip=12, sleeve="long",
)  # fmt: skip
SWEATERS = {
    "crew": CREW,
    "v-neck": replace(CREW, neckline="v", drop=210, neck=90),
    "roll-neck": replace(CREW, neck=82, drop=40),
    "cardigan": replace(CREW, neckline="v", drop=330, neck=84),
    "cable": CREW,
}


def sweater(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a sweater: `crew`, `v-neck`, `roll-neck`, `cardigan` or `cable`."""
    shape = SWEATERS[cut]
    if cut != "roll-neck":
        back_neck(sheet, shape, cloth)
    sleeves(sheet, shape, cloth)
    body(sheet, shape, cloth)
    if cut == "cable":
        for x in (330, 420, 540, 630):
            _cable(sheet, x, cloth)
    _ribs(sheet, shape, cloth)
    if cut == "roll-neck":
        _roll(sheet, shape, cloth)
    elif cut == "cardigan":
        _button_band(sheet, shape, cloth)
    else:
        ribbed(sheet, neck_band(shape, 30), cloth)


def _ribs(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    left = sleeve(shape)
    band = cuff_band(left.cuff, 74)
    ribbed(sheet, band, cloth, left.lean)
    ribbed(sheet, mirror(band), cloth, -left.lean)
    side, y, low = MIDDLE - shape.hem, shape.bottom, shape.bottom + shape.dip
    hem = symmetric(
        f"M{MIDDLE},{low - 8} C{MIDDLE - 90},{low - 8} {side + 90},{low - 8} {side},{y - 6} "
        f"L{side + 12},{y + 66} C{side + 90},{low + 70} {MIDDLE - 90},{low + 70} {MIDDLE},{low + 70}"
    )
    ribbed(sheet, hem, cloth)


def _roll(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    top = shape.top
    half = (
        f"M{MIDDLE},{top - 74} C{MIDDLE - 50},{top - 76} {MIDDLE - 84},{top - 70} {MIDDLE - 88},{top - 56} "
        f"C{MIDDLE - 94},{top - 20} {MIDDLE - 96},{top + 6} {MIDDLE - 92},{top + 24} "
        f"C{MIDDLE - 60},{top + 58} {MIDDLE - 30},{top + 60} {MIDDLE},{top + 60}"
    )
    ribbed(sheet, symmetric(half), cloth)
    sheet.shape(ellipse(MIDDLE, top - 60, 84, 12), darker(cloth.base, 0.35))
    sheet.fold((MIDDLE - 90, top - 6), (MIDDLE + 90, top - 6), 14, 9, 0.34)


def _cable(sheet: Sheet, x: float, cloth: Cloth) -> None:
    for step in range(13):
        y = 330 + step * 52
        for side in (-1, 1):
            rope = f"M{x - side * 15},{y} C{x - side * 15},{y + 24} {x + side * 15},{y + 28} {x + side * 15},{y + 52}"
            sheet.glow_line(rope, "#000" if side > 0 else "#fff", 12, 0.22)
            sheet.line(rope, darker(cloth.base, 0.3), 3, 0.4)
    for dx in (-27, 27):
        sheet.line(f"M{x + dx},310 L{x + dx},1004", darker(cloth.base, 0.35), 3, 0.35)


def _button_band(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    ribbed(sheet, neck_band(shape, 26), cloth)
    low = shape.top + shape.drop
    ribbed(sheet, rounded(MIDDLE - 26, low - 4, 52, shape.bottom + 82 - low, 3), cloth, 90)
    for step in range(5):
        button(sheet, MIDDLE, low + 40 + step * 122, 12, darker("#8a6a4a", 0.15))


SWEAT = replace(CREW, neck=96, chest=270, hem=252)


def sweatshirt(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a sweatshirt: `hoodie`, `zip` (hooded, zipped) or `crew`."""
    shape = replace(SWEAT, drop=110, top=230, armpit=500) if cut != "crew" else SWEAT
    hooded = cut != "crew"
    if hooded:
        _hood(sheet, shape, cloth)
    else:
        back_neck(sheet, shape, cloth)
    sleeves(sheet, shape, cloth)
    body(sheet, shape, cloth)
    _ribs(sheet, shape, cloth)
    if not hooded:
        ribbed(sheet, neck_band(shape, 28), cloth)
        return
    _kangaroo(sheet, cloth)
    if cut == "zip":
        zipper(sheet, MIDDLE, shape.top + shape.drop, shape.bottom + 80)
    _hood_edge(sheet, shape, cloth)


def _hood(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    top = shape.top
    half = (
        f"M{MIDDLE},{top - 112} C{MIDDLE - 90},{top - 116} {MIDDLE - 152},{top - 70} {MIDDLE - 150},{top + 10} "
        f"C{MIDDLE - 148},{top + 60} {MIDDLE - 120},{top + 90} {MIDDLE},{top + 150}"
    )
    sheet.panel(symmetric(half), cloth.plain())
    inner = (
        f"M{MIDDLE},{top - 74} C{MIDDLE - 60},{top - 76} {MIDDLE - 104},{top - 40} {MIDDLE - 100},{top + 20} "
        f"C{MIDDLE - 80},{top + 80} {MIDDLE - 40},{top + 110} {MIDDLE},{top + 140}"
    )
    sheet.panel(symmetric(inner), cloth.plain(darker(cloth.base, 0.36)), volume=0.7)
    sheet.fold((MIDDLE - 60, top - 30), (MIDDLE - 70, top + 60), 8, 14, 0.3)
    sheet.fold((MIDDLE + 70, top - 30), (MIDDLE + 60, top + 60), -8, 14, 0.3)


def _hood_edge(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    top, low = shape.top, shape.top + shape.drop
    flap = (
        f"M{MIDDLE - 2},{low + 8} C{MIDDLE - 60},{low - 26} {MIDDLE - 96},{top + 40} {MIDDLE - 100},{top - 10} "
        f"C{MIDDLE - 128},{top - 6} {MIDDLE - 144},{top + 6} {MIDDLE - 148},{top + 24} "
        f"C{MIDDLE - 130},{top + 84} {MIDDLE - 76},{low + 30} {MIDDLE - 2},{low + 56} Z"
    )
    for path in both(flap):
        sheet.panel(path, cloth.plain(), volume=0.6)
    cord = lighter(cloth.base, 0.75)
    for path in both(
        f"M{MIDDLE - 34},{low + 16} C{MIDDLE - 40},{low + 80} {MIDDLE - 30},{low + 120} {MIDDLE - 38},{low + 190}"
    ):
        sheet.line(path, "#000000", 8, 0.25)
        sheet.line(path, cord, 6)


def _kangaroo(sheet: Sheet, cloth: Cloth) -> None:
    half = "M480,760 C430,760 390,760 366,760 C350,800 312,840 296,862 L300,996 C360,1000 420,1000 480,1000"
    sheet.panel(symmetric(half), cloth.plain(), volume=0.5)
    for path in both("M372,768 C354,806 318,846 304,866"):
        sheet.stitch(path, cloth)


def zipper(sheet: Sheet, x: float, top: float, low: float) -> None:
    """Draw a metal zip from `top` to `low`, with its puller at the top."""
    sheet.line(f"M{x},{top} L{x},{low}", "#3a3b40", 12)
    sheet.line(f"M{x},{top} L{x},{low}", "#c9ccd1", 7, 1, "3 4")
    sheet.shape(rounded(x - 7, top + 4, 14, 20, 4), "#b4b8be", 1, "#6d7178")
    sheet.shape(rounded(x - 5, top + 22, 10, 34, 4), "#d3d6da", 1, "#6d7178")
