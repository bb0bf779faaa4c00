"""Draw dresses: a bodice like a top's, and a skirt."""

from __future__ import annotations

from dataclasses import replace

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import darker
from demo.catalogue.paths import MIDDLE, both, symmetric
from demo.catalogue.patterns import Cloth
from demo.catalogue.torso import Torso, back_neck, body_path, neck_band, sleeves

BODICE = Torso(
    neck=92, top=90, drop=92, shoulder=172, slope=44, chest=182, waist=150, hem=150, armpit=310,
    bottom=520, dip=10, sleeve="none",
)  # fmt: skip
# For each cut: half the width of the hem, the height of the hem, and the bodice.
DRESSES: dict[str, tuple[float, float, Torso]] = {
    "a-line": (300, 1050, BODICE),
    "sheath": (176, 1010, replace(BODICE, neck=104, drop=70)),
    "maxi": (320, 1210, replace(BODICE, neckline="v", drop=190)),
    "tea": (270, 1080, replace(BODICE, neckline="v", drop=150, sleeve="short")),
}


def dress(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a dress: `a-line`, `sheath`, `maxi` or `tea` (with sleeves)."""
    hem, low, shape = DRESSES[cut]
    back_neck(sheet, shape, cloth)
    sleeves(sheet, shape, cloth)
    _skirt(sheet, cloth, hem, low)
    sheet.panel(body_path(shape), cloth)
    for side in (-1, 1):
        sheet.fold((MIDDLE + side * 74, 500), (MIDDLE + side * 84, 360), 0, 8, 0.24)
    if cut != "sheath":
        belt = symmetric("M480,508 C420,508 370,506 330,500 L328,538 C370,546 420,548 480,548")
        sheet.panel(belt, cloth.plain(darker(cloth.base, 0.12)), volume=0.5)
    sheet.panel(neck_band(shape, 12), cloth.plain(), volume=0.5)


def _skirt(sheet: Sheet, cloth: Cloth, hem: float, low: float) -> None:
    side, hip = MIDDLE - hem, MIDDLE - max(178.0, hem * 0.62)
    half = (
        f"M480,500 L330,500 C322,570 {hip:.1f},620 {hip - 4:.1f},700 "
        f"C{hip - 20:.1f},840 {side + 20:.1f},{low - 140:.1f} {side:.1f},{low:.1f} "
        f"C{side + hem * 0.4:.1f},{low + 34:.1f} 420,{low + 34:.1f} 480,{low + 34:.1f}"
    )
    sheet.panel(symmetric(half), cloth)
    for share, bend in ((-0.8, 10), (-0.45, -8), (-0.1, 6), (0.3, -8), (0.65, 10)):
        end = (MIDDLE + share * hem, low + 6)
        sheet.fold(end, (MIDDLE + share * 140, 600 + abs(share) * 60), bend, 15, 0.24)
    edge = (
        f"M{side + 6:.1f},{low - 22:.1f} C{side + hem * 0.4:.1f},{low + 12:.1f} "
        f"420,{low + 12:.1f} 480,{low + 12:.1f}"
    )
    for line in both(edge):
        sheet.stitch(line, cloth)
