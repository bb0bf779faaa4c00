"""Draw T-shirts, polo shirts and light tops."""

from __future__ import annotations

from dataclasses import replace

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import darker, ink, lighter
from demo.catalogue.paths import MIDDLE, both, ellipse, rounded, symmetric
from demo.catalogue.patterns import Cloth
from demo.catalogue.torso import (
    Torso,
    back_neck,
    body,
    body_path,
    drape,
    hem_stitch,
    neck_band,
    ribbed,
    sleeve,
    sleeves,
)

TEE = Torso()
TEES = {
    "crew": TEE,
    "v-neck": replace(TEE, neckline="v", drop=160, neck=92),
    "long": replace(TEE, sleeve="long", waist=236),
    "polo": replace(TEE, neckline="v", drop=60, neck=86, top=180),
}


def tshirt(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a T-shirt: `crew`, `v-neck`, `long` or `polo`."""
    shape = TEES[cut]
    back_neck(sheet, shape, cloth)
    sleeves(sheet, shape, cloth)
    body(sheet, shape, cloth)
    _finish(sheet, shape, cloth)
    if cut == "polo":
        _polo_collar(sheet, shape, cloth)
    else:
        ribbed(sheet, neck_band(shape, 22), cloth)


def _finish(sheet: Sheet, cut: Torso, cloth: Cloth) -> None:
    low, side = cut.bottom + cut.dip, MIDDLE - cut.hem
    hem = f"M{side + 2},{cut.bottom - 26} C{side + 90},{low - 26} {MIDDLE - 90},{low - 26} {MIDDLE},{low - 26}"
    for path in both(hem):
        sheet.stitch(path, cloth)
    if cut.sleeve != "none":
        hem_stitch(sheet, sleeve(cut).cuff, cloth, 24)


def _polo_collar(sheet: Sheet, cut: Torso, cloth: Cloth) -> None:
    plain = cloth.plain(cloth.base if cloth.pattern == "solid" else cloth.accent)
    low = cut.top + cut.drop
    sheet.panel(rounded(MIDDLE - 24, low - 12, 48, 168, 5), plain, volume=0.4)
    sheet.stitch(f"M{MIDDLE - 17},{low + 148} L{MIDDLE + 17},{low + 148}", plain)
    for y in (low + 36, low + 84, low + 130):
        button(sheet, MIDDLE, y, 7, lighter(plain.base, 0.5))
    wing = (
        f"M{MIDDLE},{low + 4} C{MIDDLE - 40},{cut.top + 40} {MIDDLE - 76},{cut.top + 12} "
        f"{MIDDLE - 82},{cut.top - 16} C{MIDDLE - 100},{cut.top - 12} {MIDDLE - 112},{cut.top} "
        f"{MIDDLE - 116},{cut.top + 14} C{MIDDLE - 108},{cut.top + 60} {MIDDLE - 92},{cut.top + 92} "
        f"{MIDDLE - 74},{cut.top + 122} Z"
    )
    for path in both(wing):
        sheet.panel(path, plain, volume=0.6)


def button(sheet: Sheet, x: float, y: float, size: float, colour: str) -> None:
    """Draw a small round button with two holes."""
    sheet.shape(ellipse(x + 1.5, y + 2, size, size), "#000000", 0.25)
    sheet.shape(ellipse(x, y, size, size), colour, 1, ink(colour, 0.4))
    for dx in (-0.3, 0.3):
        sheet.shape(ellipse(x + dx * size, y, size * 0.14, size * 0.14), ink(colour, 0.7))


BLOUSE = Torso(neck=104, drop=120, shoulder=222, chest=238, waist=218, hem=258, bottom=1000)


def top(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a light top: `cami`, `blouse` (puff sleeves), `sleeveless` or `peplum`."""
    if cut == "cami":
        _camisole(sheet, cloth)
    elif cut == "peplum":
        _peplum(sheet, cloth)
    else:
        _blouse(sheet, cut, cloth)


def _blouse(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    shape = BLOUSE if cut == "blouse" else replace(BLOUSE, neckline="v", drop=150, shoulder=196)
    shape = replace(shape, sleeve="puff" if cut == "blouse" else "none")
    back_neck(sheet, shape, cloth)
    sleeves(sheet, shape, cloth)
    body(sheet, shape, cloth)
    if cut == "blouse":
        _gathers(sheet, shape, cloth)
    _finish(sheet, replace(shape, sleeve="none"), cloth)
    sheet.panel(neck_band(shape, 12), cloth.plain(), volume=0.5)


def _gathers(sheet: Sheet, cut: Torso, cloth: Cloth) -> None:
    from demo.catalogue.paths import mirror
    from demo.catalogue.torso import cuff_band

    left = sleeve(cut)
    band = cuff_band(left.cuff, 26)
    for path, lean in ((band, left.lean), (mirror(band), -left.lean)):
        sheet.panel(path, cloth.plain(darker(cloth.base, 0.08)), lean, 0.5)
    (x, y) = MIDDLE - cut.shoulder, cut.top + cut.slope
    for step in range(4):
        start, end = (
            (x + 26 - step * 8, y - 2 + step * 10),
            (x - 40 - step * 12, y + 60 + step * 30),
        )
        sheet.fold(start, end, 6, 8, 0.3)
        sheet.fold((960 - start[0], start[1]), (960 - end[0], end[1]), -6, 8, 0.3)
    for dx in range(-60, 61, 30):
        line = cut.top + cut.drop + 14 - abs(dx) * 0.25
        sheet.fold((MIDDLE + dx, line), (MIDDLE + dx * 1.7, line + 150), 4, 9, 0.26)


def _camisole(sheet: Sheet, cloth: Cloth) -> None:
    for strap in both("M384,150 C380,220 366,300 352,372 L366,378 C382,300 396,220 398,150 Z"):
        sheet.panel(strap, cloth.plain(), volume=0.4)
    inside = cloth.plain(darker(cloth.base, 0.34))
    sheet.panel("M330,400 C420,360 540,360 630,400 L600,470 L360,470 Z", inside, volume=0.5)
    half = (
        "M480,470 C440,462 396,410 358,366 C330,420 280,460 236,486 C252,600 262,660 262,720 "
        "C262,840 240,950 226,1040 C330,1070 420,1074 480,1074"
    )
    path = symmetric(half)
    sheet.panel(path, cloth)
    trim = "M480,482 C436,474 392,424 356,380 C330,430 284,472 240,498"
    for line in both(trim):
        sheet.stitch(line, cloth)
    drape(sheet, Torso(chest=236, waist=222, hem=250, armpit=500, bottom=1050))
    for dx in (-90, -40, 20, 80):
        sheet.fold((480 + dx * 0.6, 520), (480 + dx * 1.4, 760), 6, 11, 0.22)


PEPLUM = Torso(
    neck=112,
    drop=96,
    shoulder=206,
    chest=228,
    waist=196,
    hem=196,
    armpit=440,
    bottom=760,
    dip=14,
    sleeve="short",
)


def _peplum(sheet: Sheet, cloth: Cloth) -> None:
    shape = PEPLUM
    back_neck(sheet, shape, cloth)
    skirt = symmetric(
        "M480,752 C420,752 330,748 286,736 C262,820 226,920 196,1004 C232,1036 268,1010 300,1032 "
        "C336,1054 372,1022 408,1040 C434,1052 460,1042 480,1046"
    )
    sheet.panel(skirt, cloth)
    for x, end in ((330, 268), (380, 342), (440, 412), (520, 544), (576, 624), (630, 700)):
        sheet.fold((x, 770), (end, 1024), 4, 16, 0.3)
    sleeves(sheet, shape, cloth)
    body_only = body_path(shape)
    sheet.panel(body_only, cloth)
    drape(sheet, replace(shape, bottom=740))
    sheet.panel(
        symmetric("M480,750 C400,750 320,746 283,738 L284,766 C330,774 400,778 480,778"),
        cloth.plain(darker(cloth.base, 0.1)),
        volume=0.5,
    )
    sheet.panel(neck_band(shape, 12), cloth.plain(), volume=0.5)
