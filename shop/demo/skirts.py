"""Skirts and dresses."""

from __future__ import annotations

from dataclasses import replace

from shop.demo.drawing import Sheet
from shop.demo.palette import darker
from shop.demo.paths import MIDDLE, both, ellipse, rounded, symmetric
from shop.demo.patterns import Cloth
from shop.demo.tops import button
from shop.demo.torso import Torso, back_neck, body_path, drape, neck_band, sleeves


def flared(top: float, low: float, waist: float, hem: float, dip: float, swell: float = 0) -> str:
    """A closed skirt outline from half widths of waist and hem."""
    third = (low - top) / 3
    return symmetric(
        f"M{MIDDLE},{top + 8:.0f} C{MIDDLE - waist * 0.5:.0f},{top + 8:.0f} {MIDDLE - waist * 0.8:.0f},"
        f"{top + 4:.0f} {MIDDLE - waist:.0f},{top:.0f} C{MIDDLE - waist - 10 - swell:.0f},{top + third:.0f} "
        f"{MIDDLE - hem + 6 - swell:.0f},{low - third:.0f} {MIDDLE - hem:.0f},{low - dip:.0f} "
        f"C{MIDDLE - hem * 0.7:.0f},{low:.0f} {MIDDLE - hem * 0.35:.0f},{low + dip * 0.4:.0f} "
        f"{MIDDLE},{low + dip * 0.4:.0f}"
    )


def _flares(sheet: Sheet, top: float, low: float, waist: float, hem: float) -> None:
    for share in (-0.8, -0.5, -0.2, 0.14, 0.46, 0.78):
        start = (MIDDLE + share * waist, top + 24)
        sheet.fold(start, (MIDDLE + share * hem, low + 4), 8 * share, 18, 0.28)


def _pleats(sheet: Sheet, top: float, low: float, waist: float, hem: float, cloth: Cloth) -> None:
    count = 11
    for step in range(1, count):
        share = step / count * 2 - 1
        x1, x2 = MIDDLE + share * waist, MIDDLE + share * hem
        end = low + 4 - abs(share) * 14
        sheet.seam(f"M{x1:.0f},{top + 8:.0f} L{x2:.0f},{end:.0f}", cloth, 3, 0.6)
        sheet.fold((x1 + 4, top + 10), (x2 + 10, end), 0, 17, 0.4)


SKIRTS = {
    # top, hem height, half widths of waist and hem, curve of the hem, swell of the hip
    "a-line": (250, 1010, 152, 330, 60, 0),
    "pleated": (250, 980, 150, 340, 50, 0),
    "pencil": (190, 1110, 148, 176, 14, 44),
    "mini": (360, 960, 190, 290, 34, 0),
    "maxi": (140, 1160, 126, 300, 40, 0),
}


def skirt(sheet: Sheet, cut: str, cloth: Cloth, back: bool = False) -> None:
    """A skirt: `a-line`, `pleated`, `pencil`, `mini` (buttoned) or `maxi`."""
    del back
    top, low, waist, hem, dip, swell = SKIRTS[cut]
    inside = ellipse(MIDDLE, top + 2, waist - 4, 18)
    sheet.panel(inside, Cloth(darker(cloth.base, 0.4)), volume=0.4)
    path = flared(top, low, waist, hem, dip, swell)
    sheet.panel(path, cloth)
    if cut == "pleated":
        _pleats(sheet, top, low, waist, hem, cloth)
    elif cut == "pencil":
        _pencil(sheet, cloth)
    else:
        _flares(sheet, top, low, waist, hem)
    if cut == "mini":
        _button_front(sheet, cloth, top, low)
    _belt(sheet, cloth, top, waist)


def _belt(sheet: Sheet, cloth: Cloth, top: float, waist: float) -> None:
    band = (
        f"M{MIDDLE},{top + 10} C{MIDDLE - waist * 0.5:.0f},{top + 10} {MIDDLE - waist * 0.8:.0f},{top + 5} "
        f"{MIDDLE - waist},{top} L{MIDDLE - waist - 6},{top + 48} C{MIDDLE - waist * 0.8:.0f},{top + 56} "
        f"{MIDDLE - waist * 0.5:.0f},{top + 60} {MIDDLE},{top + 60}"
    )
    sheet.panel(symmetric(band), cloth.plain(darker(cloth.base, 0.06)), volume=0.5)


def _pencil(sheet: Sheet, cloth: Cloth) -> None:
    for x in (400, 560):
        sheet.fold((x, 250), (x - (480 - x) * 0.1, 430), 0, 8, 0.26)
    sheet.seam("M480,250 L480,900", cloth, 2.4, 0.5)
    sheet.shape("M480,900 L472,1112 L488,1112 Z", darker(cloth.base, 0.5))
    sheet.fold((330, 420), (440, 470), 8, 12, 0.2)
    sheet.fold((630, 420), (520, 476), -8, 12, 0.2)


def _button_front(sheet: Sheet, cloth: Cloth, top: float, low: float) -> None:
    sheet.panel(rounded(MIDDLE - 28, top + 6, 56, low - top + 6, 2), cloth, volume=0.3)
    for step in range(5):
        button(sheet, MIDDLE, top + 92 + step * 112, 13, "#b98a4e")
    for path in both(
        f"M{MIDDLE - 168},{top + 150} L{MIDDLE - 66},{top + 166} L{MIDDLE - 72},{top + 300} L{MIDDLE - 188},{top + 282} Z"
    ):
        sheet.panel(path, cloth, volume=0.4)


DRESS = Torso(
    neck=104, top=96, drop=86, shoulder=196, chest=196, waist=150, hem=150, armpit=340,
    bottom=560, dip=12, slope=50, sleeve="none",
)  # fmt: skip
DRESSES = {
    "a-line": (DRESS, 1080, 330, 60),
    "shirt": (replace(DRESS, sleeve="elbow", neck=80, neckline="v", drop=60), 1100, 270, 30),
    "wrap": (replace(DRESS, neckline="v", drop=240, sleeve="short"), 1080, 280, 40),
    "maxi": (replace(DRESS, neckline="v", drop=170, neck=120), 1200, 320, 40),
    "puff": (replace(DRESS, sleeve="puff", neck=124, drop=112), 960, 330, 60),
}


def dress(sheet: Sheet, cut: str, cloth: Cloth, back: bool = False) -> None:
    """A dress: `a-line`, `shift`, `shirt`, `wrap`, `maxi`, `puff` or `slip`."""
    if cut in ("shift", "slip"):
        _straight(sheet, cut, cloth, back)
        return
    shape, low, hem, dip = DRESSES[cut]
    if back:
        shape = replace(shape, neckline="crew", drop=34)
    else:
        back_neck(sheet, shape, cloth)
    sheet.panel(flared(550, low, 150, hem, dip), cloth)
    _flares(sheet, 550, low, 150, hem)
    sleeves(sheet, shape, cloth)
    sheet.panel(body_path(shape), cloth)
    drape(sheet, replace(shape, bottom=540))
    _waist(sheet, cut, cloth)
    if cut in ("shirt", "wrap") and not back:
        _front(sheet, cut, cloth, shape, low)
    sheet.panel(neck_band(shape, 10), cloth.plain(), volume=0.4)


def _waist(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    deep = 44 if cut in ("shirt", "wrap") else 20
    belt = cloth.plain(darker(cloth.base, 0.2 if cut == "shirt" else 0.06))
    half = f"M480,562 C420,562 370,558 329,550 L328,{550 + deep} C370,{558 + deep} 420,{562 + deep} 480,{562 + deep}"
    sheet.panel(symmetric(half), belt, volume=0.6)
    if cut == "shirt":
        sheet.shape(rounded(450, 556, 60, 56, 8), "none", 1, "#caa259")
        sheet.line(rounded(452, 558, 56, 52, 8), "#caa259", 7)
    if cut == "wrap":
        for tail in (
            "M372,580 C356,660 350,740 336,800 L366,806 C378,740 386,660 392,584 Z",
            "M384,580 C400,650 420,700 424,762 L448,752 C440,690 420,640 402,580 Z",
        ):
            sheet.panel(tail, belt, volume=0.5)
        sheet.panel(ellipse(384, 582, 26, 20), belt, volume=0.5)


def _front(sheet: Sheet, cut: str, cloth: Cloth, shape: Torso, low: float) -> None:
    if cut == "wrap":
        sheet.seam(f"M480,{shape.top + shape.drop} C440,420 380,520 344,556", cloth, 4, 0.9)
        sheet.seam(f"M398,600 C470,760 520,940 540,{low + 10}", cloth, 4, 0.8)
        sheet.fold((402, 606), (552, low), -30, 14, 0.36)
        return
    for dx in (-20, 20):
        sheet.seam(f"M{MIDDLE + dx},{shape.top + shape.drop} L{MIDDLE + dx},{low + 12}", cloth)
    for y in [*range(210, 540, 66), *range(660, int(low) - 30, 84)]:
        button(sheet, MIDDLE, y, 8, "#f2ede2")
    top, side = shape.top, MIDDLE - 80
    wing = (
        f"M478,{top + 66} C{side + 40},{top + 50} {side + 4},{top + 20} {side},{top - 26} "
        f"C{side - 16},{top - 20} {side - 30},{top} {side - 34},{top + 12} L{side - 14},{top + 124} Z"
    )
    for path, lean in zip(both(wing), (24, -24), strict=True):
        sheet.panel(path, cloth, lean, 0.5)


def _straight(sheet: Sheet, cut: str, cloth: Cloth, back: bool) -> None:
    if cut == "slip":
        _slip(sheet, cloth)
        return
    shape = replace(
        DRESS, top=120, shoulder=206, chest=214, waist=206, hem=240, armpit=380, bottom=1070, dip=14,
        drop=34 if back else 86, sleeve="short",
    )  # fmt: skip
    if not back:
        back_neck(sheet, shape, cloth)
    sleeves(sheet, shape, cloth)
    sheet.panel(body_path(shape), cloth)
    drape(sheet, shape)
    for path in both("M282,470 C320,450 350,440 384,436"):
        sheet.seam(path, cloth, 2.4, 0.6)
    sheet.panel(neck_band(shape, 14), cloth.plain(), volume=0.4)


def _slip(sheet: Sheet, cloth: Cloth) -> None:
    for strap in both("M400,90 C396,160 384,230 372,290 L382,294 C394,230 406,160 410,90 Z"):
        sheet.panel(strap, cloth.plain(), volume=0.3)
    sheet.panel(
        "M352,320 C430,290 530,290 608,320 L590,380 L370,380 Z",
        cloth.plain(darker(cloth.base, 0.34)),
    )
    path = symmetric(
        "M480,366 C440,360 406,326 376,284 C352,330 320,360 284,384 C296,470 316,540 318,610 "
        "C312,720 258,900 224,1150 C310,1176 400,1182 480,1182"
    )
    sheet.panel(path, cloth)
    for x1, y1, x2, y2, bend in (
        (400, 420, 440, 620, 20), (570, 430, 540, 600, -18), (350, 640, 470, 760, 30),
        (620, 650, 520, 780, -30), (400, 780, 330, 1160, 20), (500, 760, 470, 1170, 16),
        (580, 780, 640, 1160, -20),
    ):  # fmt: skip
        sheet.fold((x1, y1), (x2, y2), bend, 20, 0.3)
    for line in both("M480,376 C438,370 404,336 374,298"):
        sheet.seam(line, cloth, 2, 0.5)
