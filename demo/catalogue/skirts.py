"""Draw skirts."""

from __future__ import annotations

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import darker
from demo.catalogue.paths import MIDDLE, both, ellipse, rounded, symmetric
from demo.catalogue.patterns import Cloth
from demo.catalogue.tops import button


def flared(top: float, low: float, waist: float, hem: float, dip: float, swell: float = 0) -> str:
    """Return a closed skirt outline; `waist` and `hem` are half widths."""
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
    # Heights of top and hem, half widths of waist and hem, curve of the hem, swell of the hip.
    "a-line": (250, 1010, 152, 330, 60, 0),
    "pleated": (250, 980, 150, 340, 50, 0),
    "pencil": (190, 1110, 148, 176, 14, 44),
    "mini": (360, 960, 190, 290, 34, 0),
    "maxi": (140, 1160, 126, 300, 40, 0),
}


def skirt(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a skirt: `a-line`, `pleated`, `pencil`, `mini` (buttoned) or `maxi`."""
    top, low, waist, hem, dip, swell = SKIRTS[cut]
    inside = ellipse(MIDDLE, top + 2, waist - 4, 18)
    sheet.panel(inside, Cloth(darker(cloth.base, 0.4)), volume=0.4)
    path = flared(top, low, waist, hem, dip, swell)
    sheet.panel(path, cloth)
    if cut == "pleated":
        with sheet.within(path):
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
