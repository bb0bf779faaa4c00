"""Draw jackets and blazers."""

from __future__ import annotations

from dataclasses import replace

from demo.catalogue.drawing import Sheet
from demo.catalogue.knitwear import zipper
from demo.catalogue.palette import darker, lighter
from demo.catalogue.paths import MIDDLE, both, mirror, rounded, symmetric
from demo.catalogue.patterns import Cloth
from demo.catalogue.tops import button
from demo.catalogue.torso import (
    Torso,
    back_neck,
    body,
    body_path,
    cuff_band,
    neck_band,
    ribbed,
    sleeve,
    sleeves,
)

COAT = Torso(
    neck=92, top=184, drop=120, neckline="v", shoulder=256, chest=272, waist=264, hem=266,
    armpit=470, bottom=1010, dip=12, sleeve="long",
)  # fmt: skip
THREAD = "#d9a441"


def jacket(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a jacket: `denim`, `bomber`, `puffer`, `biker` or `parka`."""
    CUTS[cut](sheet, cloth)


def _shell(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    back_neck(sheet, shape, cloth.plain(lighter(cloth.base, 0.1)), rise=56)
    sleeves(sheet, shape, cloth)
    body(sheet, shape, cloth)


def _flat_collar(sheet: Sheet, shape: Torso, cloth: Cloth, point: float = 150) -> None:
    top, low = shape.top, shape.top + shape.drop
    wing = (
        f"M{MIDDLE - 6},{low + 2} C{MIDDLE - 44},{top + 66} {MIDDLE - 84},{top + 24} {MIDDLE - 92},{top - 40} "
        f"C{MIDDLE - 116},{top - 34} {MIDDLE - 130},{top - 8} {MIDDLE - 134},{top + 12} "
        f"C{MIDDLE - 136},{top + 60} {MIDDLE - 132},{top + 100} {MIDDLE - 122},{top + point} Z"
    )
    for path in both(wing):
        sheet.glow(path, "#000", 0.25)
        sheet.panel(path, cloth, volume=0.6)


def _waistband(sheet: Sheet, shape: Torso, cloth: Cloth, rib: bool) -> None:
    side, y, low = MIDDLE - shape.hem, shape.bottom, shape.bottom + shape.dip
    hem = symmetric(
        f"M{MIDDLE},{low - 8} C{MIDDLE - 90},{low - 8} {side + 90},{low - 8} {side},{y - 6} "
        f"L{side + 10},{y + 58} C{side + 90},{low + 62} {MIDDLE - 90},{low + 62} {MIDDLE},{low + 62}"
    )
    left = sleeve(shape)
    band = cuff_band(left.cuff, 64)
    for path, lean in ((hem, 0.0), (band, left.lean), (mirror(band), -left.lean)):
        if rib:
            ribbed(sheet, path, cloth, lean)
        else:
            sheet.panel(path, cloth, lean, 0.6)


def _denim(sheet: Sheet, cloth: Cloth) -> None:
    shape = replace(COAT, bottom=950, hem=250, drop=96)
    _shell(sheet, shape, cloth)
    for path in both("M236,386 C310,380 400,384 458,384"):
        sheet.seam(path, cloth, 3)
        sheet.stitch(path.replace("38", "39"), cloth, THREAD)
    for pair in both("M300,400 L368,940"), both("M420,400 L410,940"):
        for line in pair:
            sheet.seam(line, cloth, 2.4)
            sheet.stitch(line, cloth, THREAD)
    flap = "M292,386 L416,386 L416,424 L354,452 L292,424 Z"
    for index, path in enumerate(both(flap)):
        sheet.panel(path, cloth, volume=0.4)
        button(sheet, 354 if index == 0 else 606, 430, 9, "#b98a4e")
    _waistband(sheet, shape, cloth, rib=False)
    sheet.panel(rounded(MIDDLE - 24, 276, 48, 748, 3), cloth, volume=0.4)
    for dx in (-17, 17):
        sheet.stitch(f"M{MIDDLE + dx},284 L{MIDDLE + dx},1018", cloth, THREAD)
    for y in (330, 450, 570, 690, 810, 985):
        button(sheet, MIDDLE, y, 11, "#b98a4e")
    _flat_collar(sheet, shape, cloth)


def _bomber(sheet: Sheet, cloth: Cloth) -> None:
    shape = replace(COAT, neckline="crew", drop=60, neck=90, bottom=960, hem=248)
    back_neck(sheet, shape, cloth.plain("#c9763a"), rise=20)
    sleeves(sheet, shape, cloth)
    body(sheet, shape, cloth)
    _waistband(sheet, shape, cloth.plain(cloth.accent), rib=True)
    ribbed(sheet, neck_band(shape, 40), cloth.plain(cloth.accent))
    zipper(sheet, MIDDLE, shape.top + shape.drop, shape.bottom + 66)
    for path in both("M322,800 L374,690"):
        sheet.line(path, darker(cloth.base, 0.6), 12, 0.9)
        sheet.line(path, lighter(cloth.base, 0.3), 2, 0.7)


def _puffer(sheet: Sheet, cloth: Cloth) -> None:
    shape = replace(
        COAT, neckline="crew", drop=40, neck=96, chest=290, waist=286, hem=284, shoulder=262
    )
    sleeves(sheet, shape, cloth)
    body(sheet, shape, cloth)
    with sheet.within(body_path(shape)):
        for step in range(8):
            y = 322 + step * 92
            _quilt(sheet, f"M180,{y} C300,{y + 20} 400,{y + 22} 480,{y + 18}", cloth)
            _quilt(sheet, f"M480,{y + 18} C560,{y + 22} 660,{y + 20} 780,{y}", cloth)
    _quilted_sleeves(sheet, shape, cloth)
    collar = symmetric(
        "M480,148 C430,146 392,146 376,156 C370,190 368,220 372,250 C410,268 450,272 480,272"
    )
    sheet.panel(collar, cloth)
    sheet.seam("M374,206 C420,222 540,222 586,206", cloth)
    zipper(sheet, MIDDLE, 160, 1020)


def _quilted_sleeves(sheet: Sheet, shape: Torso, cloth: Cloth) -> None:
    left = sleeve(shape).path
    seams = [(f"M60,{y} Q150,{y + 40} 262,{y + 38}") for y in range(330, 980, 88)]
    for path, turn in ((left, str), (mirror(left), mirror)):
        with sheet.within(f"{path} M0,0"):
            for seam in seams:
                _quilt(sheet, turn(seam), cloth)


def _quilt(sheet: Sheet, path: str, cloth: Cloth) -> None:
    sheet.seam(path, cloth, 3, 0.8)
    sheet.glow_line(path, "#000", 26, 0.34)
    with sheet.placed("translate(-6 34)"):
        sheet.glow_line(path, "#fff", 20, 0.24)


def _biker(sheet: Sheet, cloth: Cloth) -> None:
    shape = replace(COAT, drop=190, bottom=960, waist=246, hem=250)
    _shell(sheet, shape, cloth)
    lapel = (
        "M478,470 C440,380 396,280 388,146 C364,150 350,170 346,196 L300,330 L356,346 L340,392 Z"
    )
    _waistband(sheet, shape, cloth, rib=False)
    sheet.line("M472,470 L566,1014", "#3a3b40", 13)
    sheet.line("M472,470 L566,1014", "#d2d5da", 8, 1, "3 4")
    for path in both(lapel):
        sheet.glow(path, "#000", 0.3)
        sheet.panel(path, cloth, volume=0.7)
    for path in ("M300,780 L392,700", "M330,540 L420,500", "M640,820 L600,710"):
        sheet.line(path, "#3a3b40", 12)
        sheet.line(path, "#d2d5da", 7, 1, "3 4")
    sheet.stitch("M240,392 C300,384 380,390 440,400", cloth)
    for x, y in ((346, 372), (614, 372), (320, 320), (640, 320)):
        button(sheet, x, y, 8, "#c9ccd1")


def _parka(sheet: Sheet, cloth: Cloth) -> None:
    shape = replace(COAT, bottom=1120, hem=276, waist=258, drop=100)
    _shell(sheet, shape, cloth)
    for pair in (
        both("M236,400 C310,392 400,396 458,396"),
        both("M222,728 C300,738 400,742 458,742"),
    ):
        for line in pair:
            sheet.seam(line, cloth, 3)
    for path in both(rounded(252, 800, 158, 190, 8)):
        sheet.panel(path, cloth, volume=0.5)
    for path in both(rounded(246, 782, 170, 58, 6)):
        sheet.panel(path, cloth, volume=0.5)
    sheet.panel(rounded(MIDDLE - 30, 272, 60, 852, 4), cloth, volume=0.4)
    for y in (330, 460, 590, 742, 900, 1050):
        button(sheet, MIDDLE, y, 11, darker(cloth.base, 0.5))
    _flat_collar(sheet, shape, cloth.plain(cloth.accent), 140)


CUTS = {
    "denim": _denim, "bomber": _bomber, "puffer": _puffer, "biker": _biker, "parka": _parka,
}  # fmt: skip


def blazer(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a tailored jacket: `single` or `double` breasted."""
    shape = replace(COAT, drop=430, waist=236, hem=268, bottom=1080, dip=26, neck=88, slope=54)
    back_neck(sheet, shape, cloth.plain(cloth.accent), rise=46)
    sleeves(sheet, shape, cloth)
    body(sheet, shape, cloth)
    close = shape.top + shape.drop
    sheet.seam(
        f"M{MIDDLE},{close} C{MIDDLE},900 {MIDDLE + 6},1040 {MIDDLE - 30},1104", cloth, 4, 0.9
    )
    sheet.glow_line(f"M{MIDDLE + 8},{close} L{MIDDLE + 6},1080", "#000", 16, 0.3)
    lapel = (
        f"M{MIDDLE},{close + 4} C{MIDDLE - 40},470 {MIDDLE - 84},330 {MIDDLE - 88},146 "
        f"C{MIDDLE - 116},150 {MIDDLE - 128},176 {MIDDLE - 132},196 L{MIDDLE - 176},322 "
        f"L{MIDDLE - 122},336 L{MIDDLE - 150},376 C{MIDDLE - 130},460 {MIDDLE - 70},560 {MIDDLE},{close + 4} Z"
    )
    for path, lean in zip(both(lapel), (10, -10), strict=True):
        sheet.glow(path, "#000", 0.26)
        sheet.panel(path, cloth, lean, 0.6)
    for path in both(f"M{MIDDLE - 122},336 L{MIDDLE - 92},300"):
        sheet.seam(path, cloth, 3)
    _blazer_details(sheet, cut, cloth, close)


def _blazer_details(sheet: Sheet, cut: str, cloth: Cloth, close: float) -> None:
    dark = darker(cloth.base, 0.5) if cloth.base != "#2b2c31" else "#55565c"
    columns = (-46, 46) if cut == "double" else (2,)
    for dx in columns:
        for y in (
            (close + 30, close + 150) if cut == "single" else (close + 10, close + 120, close + 230)
        ):
            button(sheet, MIDDLE + dx, y, 13, dark)
    for path in both("M262,842 L396,856 L394,896 L260,882 Z"):
        sheet.panel(path, cloth, volume=0.4)
    sheet.panel("M576,470 L676,456 L678,478 L578,492 Z", cloth, volume=0.3)
    for x in (176, 784):
        for step in range(3):
            button(sheet, x + (step * 3 if x < 480 else -step * 3), 930 - step * 26, 7, dark)
