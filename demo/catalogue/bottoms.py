"""Draw trousers, jeans and shorts."""

from __future__ import annotations

from dataclasses import dataclass

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import darker
from demo.catalogue.paths import MIDDLE, both, lens, mirror, rounded, symmetric
from demo.catalogue.patterns import Cloth
from demo.catalogue.tops import button
from demo.catalogue.torso import ribbed

THREAD = "#d39a3c"


@dataclass(frozen=True)
class Legs:
    """Holds the cut of trousers: widths from the middle line, and heights of crotch and hem."""

    waist: float
    hip: float
    outer: float
    inner: float
    crotch: float = 500
    bottom: float = 1160


CUTS = {
    "slim": Legs(waist=150, hip=186, outer=160, inner=52),
    "straight": Legs(waist=152, hip=190, outer=188, inner=44),
    "wide": Legs(waist=146, hip=188, outer=256, inner=34),
    "chino": Legs(waist=196, hip=256, outer=286, inner=30, crotch=600, bottom=850),
    "swim": Legs(waist=190, hip=252, outer=278, inner=28, crotch=560, bottom=780),
}
TOP = 140


def leg_path(legs: Legs) -> str:
    """Return the closed outline of the left half of a pair of trousers."""
    side, hip = MIDDLE - legs.waist, MIDDLE - legs.hip
    outer, inner = MIDDLE - legs.outer, MIDDLE - legs.inner
    rise, thigh = legs.bottom - legs.crotch, TOP + 0.55 * (legs.crotch - TOP)
    return (
        f"M{MIDDLE},{TOP + 10} C{MIDDLE - 60},{TOP + 10} {side + 40:.0f},{TOP + 6} {side:.0f},{TOP} "
        f"C{side - 12:.0f},{TOP + 70} {hip:.0f},{thigh - 90:.0f} {hip - 2:.0f},{thigh:.0f} "
        f"C{hip - 6:.0f},{legs.crotch + 0.2 * rise:.0f} {outer + 4:.0f},{legs.bottom - 0.5 * rise:.0f} "
        f"{outer:.0f},{legs.bottom:.0f} C{outer + 30:.0f},{legs.bottom + 12:.0f} {inner - 30:.0f},"
        f"{legs.bottom + 12:.0f} {inner:.0f},{legs.bottom + 4:.0f} C{inner - 2:.0f},"
        f"{legs.bottom - 0.45 * rise:.0f} {MIDDLE - 14},{legs.crotch + 0.3 * rise:.0f} "
        f"{MIDDLE},{legs.crotch:.0f} Z"
    )


def _legs(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    side = MIDDLE - legs.waist
    inside = symmetric(
        f"M480,{TOP - 12} C420,{TOP - 12} {side + 40},{TOP - 14} {side + 4},{TOP + 2} "
        f"C{MIDDLE - 80},{TOP + 24} {MIDDLE - 40},{TOP + 26} {MIDDLE},{TOP + 26}"
    )
    sheet.panel(inside, Cloth(darker(cloth.base, 0.4)), volume=0.4)
    left = leg_path(legs)
    sheet.panel(left, cloth, volume=0.9)
    sheet.panel(mirror(left), cloth, volume=0.9)
    for side_sign in (1, -1):
        _creases(sheet, legs, side_sign)


def _creases(sheet: Sheet, legs: Legs, side: int) -> None:
    def at(away: float, y: float) -> tuple[float, float]:
        return MIDDLE - side * away, y

    crotch, low, middle = legs.crotch, legs.bottom, (legs.outer + legs.inner) / 2
    sheet.fold(at(12, crotch + 6), at(120, crotch - 60), 10 * side, 11, 0.28)
    sheet.fold(at(16, crotch + 34), at(112, crotch + 30), -8 * side, 11, 0.24)
    sheet.fold(at(middle, low - 10), at(middle - 14, low - 180), 6, 11, 0.18)
    if low - crotch > 500:
        knee = crotch + 0.42 * (low - crotch)
        sheet.fold(at(middle - 44, knee + 6), at(middle + 40, knee - 34), 8, 10, 0.22)
        sheet.fold(at(middle - 40, knee + 62), at(middle + 44, knee + 44), 6, 10, 0.18)
        sheet.fold(at(middle - 40, low - 60), at(middle + 40, low - 84), 6, 10, 0.22)


def _waistband(sheet: Sheet, legs: Legs, cloth: Cloth, depth: float = 46) -> None:
    waist = legs.waist
    half = (
        f"M{MIDDLE},{TOP + 12} C{MIDDLE - 60},{TOP + 12} {MIDDLE - waist + 40},{TOP + 8} {MIDDLE - waist},{TOP} "
        f"L{MIDDLE - waist - 6},{TOP + depth} C{MIDDLE - waist + 40},{TOP + depth + 8} {MIDDLE - 60},"
        f"{TOP + depth + 12} {MIDDLE},{TOP + depth + 12}"
    )
    sheet.panel(symmetric(half), cloth, 0, 0.5)
    for dx in (waist * 0.55, waist * 0.92):
        for x in (MIDDLE - dx, MIDDLE + dx):
            sheet.panel(rounded(x - 7, TOP - 2, 14, depth + 20, 3), cloth, 0, 0.3)


def _fly(sheet: Sheet, legs: Legs, cloth: Cloth, colour: str = "") -> None:
    low = TOP + 230
    sheet.seam(f"M{MIDDLE},{TOP + 60} L{MIDDLE},{legs.crotch}", cloth, 3)
    curve = (
        f"M{MIDDLE + 34},{TOP + 62} L{MIDDLE + 32},{low - 50} "
        f"C{MIDDLE + 30},{low} {MIDDLE + 10},{low + 10} {MIDDLE + 2},{low + 12}"
    )
    sheet.stitch(curve, cloth, colour)


def _slant_pockets(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    x, y = MIDDLE - legs.waist, TOP + 60
    for path in both(f"M{x + 36},{y} C{x + 20},{y + 60} {x},{y + 100} {x - 18},{y + 132}"):
        sheet.seam(path, cloth, 3.2)
        sheet.glow_line(path, "#000", 10, 0.25)


def trousers(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw trousers: `slim`, `straight` or `wide`."""
    legs = CUTS[cut]
    _legs(sheet, legs, cloth)
    _slant_pockets(sheet, legs, cloth)
    _pressed(sheet, legs, cloth)
    _fly(sheet, legs, cloth)
    _waistband(sheet, legs, cloth)
    button(sheet, MIDDLE + 8, TOP + 36, 10, darker(cloth.base, 0.4))


def shorts(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw shorts: `chino` (with a fly) or `swim` (with a drawstring)."""
    legs = CUTS[cut]
    with sheet.placed(f"translate(0 {(1160 - legs.bottom) / 2 - 20:.0f})"):
        _legs(sheet, legs, cloth)
        _slant_pockets(sheet, legs, cloth)
        _hems(sheet, legs, cloth)
        if cut == "swim":
            _drawstring(sheet, legs, cloth)
            return
        _fly(sheet, legs, cloth)
        _waistband(sheet, legs, cloth)
        button(sheet, MIDDLE + 6, TOP + 36, 11, "#e6dcc6")


def _drawstring(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    side = MIDDLE - legs.waist
    band = (
        f"M{MIDDLE},{TOP + 6} C{MIDDLE - 60},{TOP + 6} {side + 40},{TOP + 2} {side},{TOP - 4} "
        f"L{side - 8},{TOP + 54} C{side + 40},{TOP + 60} {MIDDLE - 60},{TOP + 66} {MIDDLE},{TOP + 66}"
    )
    ribbed(sheet, symmetric(band), cloth)
    cord = (
        f"M{MIDDLE - 10},{TOP + 44} C{MIDDLE - 50},{TOP + 90} "
        f"{MIDDLE - 20},{TOP + 150} {MIDDLE - 40},{TOP + 210}"
    )
    for path in both(cord):
        sheet.line(path, "#000000", 9, 0.2)
        sheet.line(path, "#f5f3ee", 7)


def _pressed(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    low = MIDDLE - (legs.outer + legs.inner) / 2
    crease = (
        f"M{MIDDLE - legs.waist * 0.62:.0f},{TOP + 66} C{MIDDLE - legs.waist * 0.66:.0f},520 "
        f"{low:.0f},760 {low:.0f},{legs.bottom}"
    )
    for path in both(crease):
        sheet.glow_line(path, "#fff", 6, 0.35)
        sheet.seam(path, cloth, 2, 0.35)


def _hems(sheet: Sheet, legs: Legs, cloth: Cloth, colour: str = "") -> None:
    outer, inner, y = MIDDLE - legs.outer, MIDDLE - legs.inner, legs.bottom - 24
    for path in both(
        f"M{outer + 2},{y} C{outer + 30},{y + 12} {inner - 30},{y + 12} {inner - 3},{y + 4}"
    ):
        sheet.stitch(path, cloth, colour)


def jeans(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw jeans: `slim`, `straight` or `wide`."""
    legs = CUTS[cut]
    _legs(sheet, legs, cloth)
    _faded(sheet, legs)
    _curved_pockets(sheet, legs, cloth)
    _fly(sheet, legs, cloth, THREAD)
    _waistband(sheet, legs, cloth)
    side = MIDDLE - legs.waist
    for path in both(
        f"M{MIDDLE - 4},{TOP + 50} C{MIDDLE - 60},{TOP + 50} {side + 40},{TOP + 46} {side},{TOP + 38}"
    ):
        sheet.stitch(path, cloth, THREAD)
    button(sheet, MIDDLE + 4, TOP + 36, 12, "#b98a4e")
    _hems(sheet, legs, cloth, THREAD)


def _faded(sheet: Sheet, legs: Legs) -> None:
    # Light patches down both thighs, because jeans fade there when worn.
    x = MIDDLE - (legs.hip + 10) * 0.52
    for path in both(lens((x + 6, 330), (x - 10, 860), 0, 70)):
        sheet.glow(path, "#fff", 0.3, far=True)


def _curved_pockets(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    x, y = MIDDLE - legs.waist, TOP + 56
    curve = f"M{x + 96},{y} C{x + 92},{y + 70} {x + 40},{y + 96} {x - 16},{y + 92}"
    inner = f"M{x + 104},{y} C{x + 100},{y + 80} {x + 46},{y + 106} {x - 16},{y + 102}"
    for path, stitched in zip(both(curve), both(inner), strict=True):
        sheet.seam(path, cloth, 3.4)
        sheet.stitch(stitched, cloth, THREAD)
