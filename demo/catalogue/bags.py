"""Draw handbags and backpacks."""

from __future__ import annotations

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import darker
from demo.catalogue.paths import MIDDLE, both, rounded, symmetric
from demo.catalogue.patterns import Cloth

GOLD = "#d2ab5c"


def handbag(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a bag: `tote`, `satchel` (flap and handle) or `bucket`."""
    trim = cloth.plain(darker(cloth.base, 0.2))
    {"tote": _tote, "satchel": _satchel, "bucket": _bucket}[cut](sheet, cloth, trim)


def _handle(sheet: Sheet, path: str, colour: str, width: float = 26) -> None:
    sheet.line(path, darker(colour, 0.45), width + 5)
    sheet.line(path, colour, width)
    sheet.line(path, darker(colour, 0.3), 2, 0.7, "8 5")


def _tote(sheet: Sheet, cloth: Cloth, trim: Cloth) -> None:
    _handle(sheet, "M340,520 C340,150 620,150 620,520", darker(trim.base, 0.2))
    body = symmetric("M480,480 L206,476 C196,700 180,900 160,1072 C170,1100 200,1104 480,1104")
    sheet.panel(body, cloth)
    sheet.panel(symmetric("M480,482 L206,478 L202,540 C300,546 400,546 480,546"), trim, volume=0.5)
    _handle(sheet, "M330,600 C330,240 630,240 630,600", trim.base)
    for tab in both(rounded(308, 560, 46, 110, 10)):
        sheet.panel(tab, trim, volume=0.6)
    for x in (331, 629):
        sheet.shape(rounded(x - 8, 636, 16, 16, 8), GOLD, 1, "#8a6a2c")
    sheet.folds(((230, 1040), (300, 760), 10), ((720, 1050), (660, 780), -10))


def _satchel(sheet: Sheet, cloth: Cloth, trim: Cloth) -> None:
    _handle(sheet, "M340,520 C340,290 620,290 620,520", trim.base, 30)
    sheet.panel(rounded(150, 500, 660, 520, 60), cloth)
    flap = symmetric("M480,492 L210,492 C166,492 146,520 146,560 L150,700 C160,790 320,824 480,824")
    sheet.glow(flap, "#000", 0.25)
    sheet.panel(flap, cloth)
    for line in both("M164,700 C176,776 320,808 480,808"):
        sheet.stitch(line, cloth)
    sheet.panel(rounded(446, 770, 68, 110, 12), trim, volume=0.6)
    sheet.shape(rounded(456, 790, 48, 60, 8), GOLD, 1, "#8a6a2c")
    sheet.shape(rounded(470, 806, 20, 28, 6), "#8a6a2c")
    for side in both(rounded(318, 480, 44, 60, 8)):
        sheet.shape(side, GOLD, 1, "#8a6a2c")


def _bucket(sheet: Sheet, cloth: Cloth, trim: Cloth) -> None:
    _handle(sheet, "M250,560 C230,60 730,60 710,560", trim.base, 22)
    body = symmetric(
        "M480,520 C400,520 300,516 236,496 C220,700 210,860 226,1040 C240,1092 340,1104 480,1104"
    )
    sheet.panel(body, cloth)
    for x in (290, 360, 430, 520, 600, 670):
        sheet.fold((x, 510), (MIDDLE + (x - MIDDLE) * 0.9, 720), 6, 14, 0.32)
    base = symmetric("M480,980 C380,980 280,974 218,956 L226,1040 C240,1092 340,1104 480,1104")
    sheet.panel(base, trim, volume=0.6)
    cord = "M240,580 C340,600 620,600 720,580"
    sheet.line(cord, darker(trim.base, 0.3), 12, 1, "40 22")
    for end in both("M474,594 C460,660 452,700 446,760"):
        sheet.line(end, darker(trim.base, 0.3), 10)


def backpack(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a rucksack: `day` (zipped), `roll` (roll top) or `flap` (two buckles)."""
    trim = cloth.plain(darker(cloth.base, 0.25))
    _handle(sheet, "M420,210 C420,110 540,110 540,210", trim.base, 24)
    for strap in both("M250,420 C150,560 150,900 236,1080 L276,1060 L290,420 Z"):
        sheet.panel(strap, trim, volume=0.8)
    body = symmetric(
        "M480,180 C330,180 240,240 226,400 C214,600 204,860 214,1040 C222,1104 280,1120 480,1120"
    )
    sheet.panel(body, cloth)
    pocket = rounded(282, 720, 396, 340, 50)
    sheet.glow(pocket, "#000", 0.25)
    sheet.panel(pocket, cloth, volume=0.8)
    if cut == "flap":
        flap = symmetric("M480,176 C330,176 236,240 222,400 L222,560 C230,640 340,660 480,660")
        sheet.glow(flap, "#000", 0.25)
        sheet.panel(flap, cloth)
        for band in both(rounded(336, 560, 44, 250, 8)):
            sheet.panel(band, Cloth("#8a5a36"), volume=0.5)
        for buckle in both(rounded(328, 690, 60, 46, 6)):
            sheet.shape(buckle, GOLD, 1, "#8a6a2c")
        return
    if cut == "roll":
        roll = rounded(240, 170, 480, 130, 40)
        sheet.panel(roll, trim)
        sheet.fold((260, 240), (700, 240), 6, 12, 0.36)
        sheet.panel(rounded(456, 160, 48, 300, 8), Cloth("#8a5a36"), volume=0.5)
        sheet.shape(rounded(446, 380, 68, 50, 6), "#c3c7cc", 1, "#6d7178")
    else:
        arc = "M252,620 C250,300 300,240 480,236 C660,240 710,300 708,620"
        sheet.line(arc, darker(cloth.base, 0.6), 14)
        sheet.line(arc, "#c9ccd1", 6, 1, "4 4")
    sheet.line("M306,790 L654,790", darker(cloth.base, 0.6), 13)
    sheet.line("M306,790 L654,790", "#c9ccd1", 6, 1, "4 4")
    sheet.shape(rounded(636, 784, 16, 60, 6), "#d3d6da", 1, "#6d7178")
    sheet.panel(rounded(420, 880, 120, 70, 8), trim, volume=0.3)
