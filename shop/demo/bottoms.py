"""Trousers, jeans, shorts and skirts."""

from __future__ import annotations

from dataclasses import dataclass

from shop.demo.drawing import Sheet
from shop.demo.palette import darker, lighter
from shop.demo.paths import MIDDLE, both, mirror, rounded, symmetric
from shop.demo.patterns import Cloth
from shop.demo.tops import button

THREAD = "#d39a3c"


@dataclass(frozen=True)
class Legs:
    """Half widths of waist, hip and hem; the hem's middle; heights of crotch and hem."""

    waist: float = 150
    hip: float = 192
    knee: float = 118
    hem: float = 100
    spread: float = 128
    crotch: float = 480
    bottom: float = 1160


TROUSERS = {
    "slim": Legs(knee=104, hem=74, spread=118),
    "straight": Legs(knee=126, hem=104, spread=132),
    "wide": Legs(knee=160, hem=176, spread=186, waist=146),
    "tapered": Legs(knee=122, hem=72, spread=112, hip=206),
    "joggers": Legs(knee=126, hem=66, spread=116, hip=204),
    "shorts": Legs(waist=176, hip=226, knee=196, hem=186, spread=200, crotch=610, bottom=900),
}
TOP = 140


def leg_path(legs: Legs) -> str:
    """The closed outline of the left leg up to the waist and the middle seam."""
    out_x, in_x = MIDDLE - legs.spread - legs.hem, MIDDLE - legs.spread + legs.hem
    knee = (legs.crotch + legs.bottom) / 2 - 20
    outer_knee = MIDDLE - legs.spread * 0.92 - legs.knee
    inner_knee = min(MIDDLE - legs.spread * 0.92 + legs.knee, MIDDLE - 10)
    return (
        f"M{MIDDLE},{TOP + 10} C{MIDDLE - 60},{TOP + 10} {MIDDLE - legs.waist + 40},{TOP + 6} "
        f"{MIDDLE - legs.waist},{TOP} C{MIDDLE - legs.waist - 12},{TOP + 90} {MIDDLE - legs.hip},"
        f"{legs.crotch - 200} {MIDDLE - legs.hip - 8},{legs.crotch - 40} "
        f"C{MIDDLE - legs.hip - 16},{legs.crotch + 90} {outer_knee:.1f},{knee - 120} {outer_knee:.1f},{knee} "
        f"C{outer_knee:.1f},{knee + 120} {out_x:.1f},{legs.bottom - 160} {out_x:.1f},{legs.bottom} "
        f"C{out_x + 40:.1f},{legs.bottom + 12} {in_x - 40:.1f},{legs.bottom + 14} {in_x:.1f},{legs.bottom + 6} "
        f"C{in_x:.1f},{legs.bottom - 160} {inner_knee:.1f},{knee + 120} {inner_knee:.1f},{knee} "
        f"C{inner_knee:.1f},{knee - 130} {MIDDLE - 14},{legs.crotch + 70} {MIDDLE},{legs.crotch} Z"
    )


def _legs(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    inside = symmetric(
        f"M480,{TOP - 12} C420,{TOP - 12} {MIDDLE - legs.waist + 40},{TOP - 14} {MIDDLE - legs.waist + 4},"
        f"{TOP + 2} C{MIDDLE - 80},{TOP + 24} {MIDDLE - 40},{TOP + 26} {MIDDLE},{TOP + 26}"
    )
    sheet.panel(inside, Cloth(darker(cloth.base, 0.4)), volume=0.4)
    left = leg_path(legs)
    sheet.panel(left, cloth, 3)
    sheet.panel(mirror(left), cloth, -3)
    _creases(sheet, legs)


def _creases(sheet: Sheet, legs: Legs) -> None:
    crotch, low = legs.crotch, legs.bottom
    for side in (1, -1):

        def at(dx: float, y: float, flip: int = side) -> tuple[float, float]:
            return MIDDLE + flip * dx, y

        sheet.fold(at(-12, crotch + 6), at(-120, crotch - 60), 10 * side, 12, 0.3)
        sheet.fold(at(-14, crotch + 30), at(-110, crotch + 40), -10 * side, 12, 0.26)
        middle = legs.spread
        if low - crotch > 400:
            knee = (crotch + low) / 2 - 20
            sheet.fold(at(-middle + 60, knee + 6), at(-middle - 40, knee - 34), 8, 11, 0.24)
            sheet.fold(at(-middle + 50, knee + 66), at(-middle - 50, knee + 40), 6, 11, 0.2)
            sheet.fold(at(-middle + 40, low - 60), at(-middle - 40, low - 84), 6, 10, 0.24)
        sheet.fold(at(-middle, low - 10), at(-middle + 16, low - 200), 6, 12, 0.18)


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
    curve = f"M{MIDDLE + 34},{TOP + 62} L{MIDDLE + 32},{low - 50} C{MIDDLE + 30},{low} {MIDDLE + 10},{low + 10} {MIDDLE + 2},{low + 12}"
    sheet.stitch(curve, cloth, colour)


def _slant_pockets(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    x, y = MIDDLE - legs.waist, TOP + 60
    for path in both(f"M{x + 36},{y} C{x + 20},{y + 60} {x},{y + 100} {x - 18},{y + 132}"):
        sheet.seam(path, cloth, 3.2)
        sheet.glow_line(path, "#000", 10, 0.25)


def trousers(sheet: Sheet, cut: str, cloth: Cloth, back: bool = False) -> None:
    """Trousers: `slim`, `straight`, `wide`, `tapered` or `joggers`."""
    del back
    legs = TROUSERS[cut]
    _legs(sheet, legs, cloth)
    _slant_pockets(sheet, legs, cloth)
    if cut == "joggers":
        _elastic(sheet, legs, cloth)
        return
    for path in both(
        f"M{MIDDLE - legs.waist * 0.62},{TOP + 60} C{MIDDLE - legs.spread},520 "
        f"{MIDDLE - legs.spread},760 {MIDDLE - legs.spread},{legs.bottom}"
    ):
        sheet.glow_line(path, "#fff", 6, 0.35)
        sheet.seam(path, cloth, 2, 0.35)
    _fly(sheet, legs, cloth)
    _waistband(sheet, legs, cloth)
    button(sheet, MIDDLE + 8, TOP + 36, 10, darker(cloth.base, 0.4))


def _elastic(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    from shop.demo.torso import ribbed

    waist = legs.waist
    band = (
        f"M{MIDDLE},{TOP + 6} C{MIDDLE - 60},{TOP + 6} {MIDDLE - waist + 40},{TOP + 2} {MIDDLE - waist},{TOP - 4} "
        f"L{MIDDLE - waist - 6},{TOP + 54} C{MIDDLE - waist + 40},{TOP + 60} {MIDDLE - 60},{TOP + 66} {MIDDLE},{TOP + 66}"
    )
    ribbed(sheet, symmetric(band), cloth)
    out_x, in_x = MIDDLE - legs.spread - legs.hem, MIDDLE - legs.spread + legs.hem
    cuff = f"M{out_x + 4},{legs.bottom - 54} L{in_x - 2},{legs.bottom - 48} L{in_x - 8},{legs.bottom + 12} L{out_x + 8},{legs.bottom + 6} Z"
    for path in both(cuff):
        ribbed(sheet, path, cloth)
    cord = lighter(cloth.base, 0.75)
    for path in both(
        f"M{MIDDLE - 16},{TOP + 50} C{MIDDLE - 30},{TOP + 110} {MIDDLE - 22},{TOP + 150} {MIDDLE - 34},{TOP + 206}"
    ):
        sheet.line(path, cord, 7)
    stripe = f"M{MIDDLE - legs.waist + 2},{TOP + 70} C{MIDDLE - legs.hip},300 {MIDDLE - legs.hip - 4},460 {MIDDLE - legs.hip + 4},560"
    for path in both(stripe):
        sheet.stitch(path, cloth)


def jeans(sheet: Sheet, cut: str, cloth: Cloth, back: bool = False) -> None:
    """Jeans: `slim`, `straight`, `wide` or `tapered`; `back` shows the two patch pockets."""
    legs = TROUSERS[cut]
    _legs(sheet, legs, cloth)
    _faded(sheet, legs)
    if back:
        _back_pockets(sheet, legs, cloth)
    else:
        _curved_pockets(sheet, legs, cloth)
        _fly(sheet, legs, cloth, THREAD)
    _waistband(sheet, legs, cloth)
    for path in both(
        f"M{MIDDLE - 4},{TOP + 50} C{MIDDLE - 80},{TOP + 50} {MIDDLE - 100},{TOP + 46} {MIDDLE - legs.waist},{TOP + 38}"
    ):
        sheet.stitch(path, cloth, THREAD)
    if not back:
        button(sheet, MIDDLE + 4, TOP + 36, 12, "#b98a4e")
    _turned_hems(sheet, legs, cloth)


def _faded(sheet: Sheet, legs: Legs) -> None:
    for side in both(
        f"M{MIDDLE - 130},330 C{MIDDLE - 176},460 {MIDDLE - 180},700 {MIDDLE - 150},860 "
        f"C{MIDDLE - 110},700 {MIDDLE - 90},460 {MIDDLE - 130},330 Z"
    ):
        sheet.glow(side, "#fff", 0.34, far=True)
    del legs


def _turned_hems(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    out_x, in_x = MIDDLE - legs.spread - legs.hem, MIDDLE - legs.spread + legs.hem
    for path in both(f"M{out_x + 2},{legs.bottom - 26} L{in_x - 2},{legs.bottom - 20}"):
        sheet.stitch(path, cloth, THREAD)


def _curved_pockets(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    x, y = MIDDLE - legs.waist, TOP + 56
    curve = f"M{x + 96},{y} C{x + 92},{y + 70} {x + 40},{y + 96} {x - 16},{y + 92}"
    inner = f"M{x + 104},{y} C{x + 100},{y + 80} {x + 46},{y + 106} {x - 16},{y + 102}"
    for path, stitched in zip(both(curve), both(inner), strict=True):
        sheet.seam(path, cloth, 3.4)
        sheet.stitch(stitched, cloth, THREAD)


def _back_pockets(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    yoke = f"M{MIDDLE},{TOP + 136} L{MIDDLE - legs.waist - 14},{TOP + 86}"
    for path in both(yoke):
        sheet.seam(path, cloth, 3)
        sheet.stitch(path, cloth, THREAD)
    sheet.seam(f"M{MIDDLE},{TOP + 60} L{MIDDLE},{legs.crotch}", cloth, 3.4)
    x, y = MIDDLE - 150, TOP + 152
    pocket = (
        f"M{x},{y} L{x + 112},{y + 14} L{x + 108},{y + 118} L{x + 52},{y + 146} L{x},{y + 106} Z"
    )
    for path in both(pocket):
        sheet.panel(path, cloth, 0, 0.5)
        with sheet.placed("translate(0 4)"):
            sheet.stitch(path, cloth, THREAD)


def shorts(sheet: Sheet, cut: str, cloth: Cloth, back: bool = False) -> None:
    """Shorts: `chino`, `denim` (turned hems) or `swim` (drawstring)."""
    del back
    legs = TROUSERS["shorts"]
    with sheet.placed("translate(0 130)"):
        _legs(sheet, legs, cloth)
        if cut == "denim":
            _curved_pockets(sheet, legs, cloth)
        else:
            _slant_pockets(sheet, legs, cloth)
        if cut == "swim":
            _drawstring(sheet, legs, cloth)
            return_band = True
        else:
            return_band = False
            _fly(sheet, legs, cloth, THREAD if cut == "denim" else "")
            _waistband(sheet, legs, cloth)
            button(sheet, MIDDLE + 6, TOP + 36, 11, "#b98a4e" if cut == "denim" else "#e6dcc6")
        _short_hems(sheet, legs, cloth, cut)
        del return_band


def _drawstring(sheet: Sheet, legs: Legs, cloth: Cloth) -> None:
    from shop.demo.torso import ribbed

    waist = legs.waist
    band = (
        f"M{MIDDLE},{TOP + 6} C{MIDDLE - 60},{TOP + 6} {MIDDLE - waist + 40},{TOP + 2} {MIDDLE - waist},{TOP - 4} "
        f"L{MIDDLE - waist - 8},{TOP + 54} C{MIDDLE - waist + 40},{TOP + 60} {MIDDLE - 60},{TOP + 66} {MIDDLE},{TOP + 66}"
    )
    ribbed(sheet, symmetric(band), cloth.plain())
    for path in both(
        f"M{MIDDLE - 12},{TOP + 44} C{MIDDLE - 50},{TOP + 90} {MIDDLE - 20},{TOP + 150} {MIDDLE - 40},{TOP + 210}"
    ):
        sheet.line(path, "#000000", 9, 0.2)
        sheet.line(path, "#f5f3ee", 7)


def _short_hems(sheet: Sheet, legs: Legs, cloth: Cloth, cut: str) -> None:
    out_x, in_x, low = MIDDLE - legs.spread - legs.hem, MIDDLE - legs.spread + legs.hem, legs.bottom
    if cut == "denim":
        cuff = f"M{out_x - 3},{low - 56} L{in_x + 2},{low - 50} L{in_x + 2},{low + 12} C{in_x - 40},{low + 20} {out_x + 40},{low + 16} {out_x - 5},{low + 4} Z"
        for path in both(cuff):
            sheet.panel(path, cloth.plain(lighter(cloth.base, 0.22)), volume=0.7)
        return
    for path in both(f"M{out_x + 2},{low - 30} L{in_x - 2},{low - 24}"):
        sheet.stitch(path, cloth)
