"""Draw shirts with a collar and a button front."""

from __future__ import annotations

from dataclasses import replace

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import lighter, mix
from demo.catalogue.paths import MIDDLE, both, mirror, rounded
from demo.catalogue.patterns import Cloth
from demo.catalogue.tops import button
from demo.catalogue.torso import Torso, back_neck, body, cuff_band, hem_stitch, sleeve, sleeves

LONG = Torso(
    neck=84, top=190, drop=72, neckline="v", shoulder=240, chest=254, waist=244, hem=250,
    bottom=1066, dip=52, sleeve="long",
)  # fmt: skip
SHIRTS = {
    "long": LONG,
    "short": replace(LONG, sleeve="short"),
    "camp": replace(LONG, sleeve="short", chest=268, waist=266, hem=272, dip=10, bottom=1030),
    "band": LONG,
    "fitted": replace(LONG, shoulder=218, chest=230, waist=198, hem=236),
}


def shirt(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a shirt: `long`, `short`, `camp` (open collar), `band` (stand-up collar) or `fitted`."""
    shape = SHIRTS[cut]
    back_neck(sheet, shape, cloth, rise=50)
    sleeves(sheet, shape, cloth)
    _cuffs(sheet, shape, cloth)
    body(sheet, shape, cloth)
    if cut == "fitted":
        _darts(sheet)
    _placket(sheet, shape, cloth)
    if cut != "fitted":
        _pocket(sheet, shape, cloth)
    _collar(sheet, shape, cloth, cut)


def _cuffs(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    left = sleeve(shape)
    if shape.sleeve != "long":
        hem_stitch(sheet, left.cuff, cloth, 34)
        return
    band = cuff_band(left.cuff, 62)
    for path, lean, side in ((band, left.lean, 1), (mirror(band), -left.lean, -1)):
        sheet.panel(path, cloth, lean + 90, 0.7)
        x = MIDDLE - side * (shape.shoulder + 66)
        button(sheet, x, shape.top + shape.slope + 722, 6, _button_colour(cloth))
    hem_stitch(sheet, left.cuff, cloth, 54)


def _button_colour(cloth: Cloth) -> str:
    return mix(lighter(cloth.base, 0.72), "#e9e1d0", 0.4)


def _placket(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    top, low = shape.top + shape.drop - 6, shape.bottom + shape.dip
    sheet.panel(rounded(MIDDLE - 21, top, 42, low - top, 2), cloth, 90, 0.3)
    for dx in (-14, 14):
        sheet.stitch(f"M{MIDDLE + dx},{top + 8} L{MIDDLE + dx},{low - 4}", cloth)
    count = 7
    for step in range(count):
        y = top + 52 + step * (low - top - 120) / (count - 1)
        button(sheet, MIDDLE, y, 8, _button_colour(cloth))
    edge = f"M{MIDDLE - shape.hem + 8},{shape.bottom - 20} C{MIDDLE - shape.hem + 96},{low - 20} "
    for path in both(f"{edge}{MIDDLE - 100},{low - 20} {MIDDLE - 24},{low - 20}"):
        sheet.stitch(path, cloth)


def _pocket(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    x, y = MIDDLE + 66, shape.armpit - 40
    path = f"M{x},{y} L{x + 122},{y} L{x + 122},{y + 116} L{x + 61},{y + 142} L{x},{y + 116} Z"
    sheet.panel(path, cloth, 0, 0.35)
    sheet.stitch(f"M{x + 6},{y + 24} L{x + 116},{y + 24}", cloth)
    inner = f"M{x + 7},{y + 30} L{x + 7},{y + 112} L{x + 61},{y + 134} L{x + 115},{y + 112}"
    sheet.stitch(f"{inner} L{x + 115},{y + 30}", cloth)


def _darts(sheet: Sheet) -> None:
    for x in (372, 588):
        sheet.fold((x, 520), (x, 900), 0, 8, 0.28)


def _collar(sheet: Sheet, shape: Torso, cloth: Cloth, cut: str) -> None:
    top, low = shape.top, shape.top + shape.drop
    stand = (
        f"M{MIDDLE},{low + 8} C{MIDDLE - 40},{top + 52} {MIDDLE - 78},{top + 28} {MIDDLE - 82},{top - 26} "
        f"C{MIDDLE - 92},{top - 20} {MIDDLE - 98},{top - 6} {MIDDLE - 98},{top + 8} "
        f"C{MIDDLE - 84},{top + 56} {MIDDLE - 50},{top + 84} {MIDDLE},{low + 40} Z"
    )
    wing = (
        f"M{MIDDLE - 4},{low + 2} C{MIDDLE - 42},{top + 46} {MIDDLE - 76},{top + 20} {MIDDLE - 82},{top - 34} "
        f"C{MIDDLE - 98},{top - 30} {MIDDLE - 112},{top - 10} {MIDDLE - 116},{top + 8} "
        f"C{MIDDLE - 118},{top + 60} {MIDDLE - 112},{top + 108} {MIDDLE - 100},{top + 152} Z"
    )
    lapel = (
        f"M{MIDDLE},{low + 60} C{MIDDLE - 40},{top + 90} {MIDDLE - 74},{top + 30} {MIDDLE - 82},{top - 34} "
        f"C{MIDDLE - 98},{top - 30} {MIDDLE - 114},{top - 10} {MIDDLE - 120},{top + 10} "
        f"L{MIDDLE - 150},{top + 110} L{MIDDLE - 112},{top + 120} L{MIDDLE - 118},{top + 150} Z"
    )
    path = {"band": stand, "camp": lapel}.get(cut, wing)
    for side, angle in zip(both(path), (28, -28), strict=True):
        sheet.glow(side, "#000", 0.2)
        sheet.panel(side, cloth, angle, 0.5)
    if cut not in ("band", "camp"):
        button(sheet, MIDDLE, low + 16, 7, _button_colour(cloth))
