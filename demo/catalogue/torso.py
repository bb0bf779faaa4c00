"""Draw the body and the sleeves that all tops, shirts, knits and jackets share."""

from __future__ import annotations

from dataclasses import dataclass

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import darker, ink
from demo.catalogue.paths import MIDDLE, backwards, both, mirror, symmetric
from demo.catalogue.patterns import Cloth


@dataclass(frozen=True)
class Torso:
    """Holds measures in picture units; widths are half widths from the middle line."""

    neck: float = 98
    top: float = 172
    drop: float = 78
    neckline: str = "crew"
    shoulder: float = 238
    slope: float = 62
    chest: float = 252
    waist: float = 240
    hem: float = 250
    armpit: float = 445
    bottom: float = 1085
    dip: float = 16
    sleeve: str = "short"

    @property
    def waistline(self) -> float:
        """Return the height of the waist, the narrowest place."""
        return self.armpit + (self.bottom - self.armpit) * 0.42


def neckline(cut: Torso) -> str:
    """Return the left half of the neckline, from the middle up to the shoulder."""
    low, side = cut.top + cut.drop, MIDDLE - cut.neck
    if cut.neckline == "v":
        return (
            f"M{MIDDLE},{low} C{MIDDLE - cut.neck * 0.5:.1f},{cut.top + cut.drop * 0.62:.1f} "
            f"{side + 6:.1f},{cut.top + cut.drop * 0.3:.1f} {side},{cut.top}"
        )
    return (
        f"M{MIDDLE},{low} C{MIDDLE - cut.neck * 0.62:.1f},{low} "
        f"{side + 4:.1f},{cut.top + cut.drop * 0.55:.1f} {side},{cut.top}"
    )


def body_path(cut: Torso) -> str:
    """Return the closed outline of the front."""
    tip, arm, hem = MIDDLE - cut.shoulder, MIDDLE - cut.chest, MIDDLE - cut.hem
    tip_y, waist = cut.top + cut.slope, cut.waistline
    half = (
        f"{neckline(cut)} C{MIDDLE - cut.neck - 40:.1f},{cut.top + 16:.1f} {tip + 50:.1f},"
        f"{tip_y - 18:.1f} {tip},{tip_y} C{tip + 28:.1f},{tip_y + 70:.1f} {arm + 26:.1f},"
        f"{cut.armpit - 90:.1f} {arm},{cut.armpit} C{arm + 4:.1f},{cut.armpit + 80:.1f} "
        f"{MIDDLE - cut.waist:.1f},{waist - 90:.1f} {MIDDLE - cut.waist:.1f},{waist} "
        f"C{MIDDLE - cut.waist:.1f},{waist + 140:.1f} {hem + 2},{cut.bottom - 160:.1f} "
        f"{hem},{cut.bottom} C{hem + 90:.1f},{cut.bottom + cut.dip:.1f} "
        f"{MIDDLE - 90},{cut.bottom + cut.dip:.1f} {MIDDLE},{cut.bottom + cut.dip:.1f}"
    )
    return symmetric(half)


def back_neck(sheet: Sheet, cut: Torso, cloth: Cloth, rise: float = 12) -> None:
    """Draw the inside of the back that shows through the neck opening."""
    side, low = MIDDLE - cut.neck, cut.top + cut.drop
    half = (
        f"M{MIDDLE},{cut.top + 16 - rise} C{MIDDLE - 50},{cut.top + 16 - rise} {side + 26:.1f},"
        f"{cut.top + 6} {side},{cut.top} L{side - 4:.1f},{cut.top + 30} L{MIDDLE},{low + 30}"
    )
    inside = Cloth(darker(cloth.base, 0.34), cloth.accent)
    sheet.panel(symmetric(half), inside, volume=0.6)
    right = MIDDLE + cut.neck - 8
    tape = (
        f"M{side + 8:.1f},{cut.top + 10} Q{MIDDLE},{cut.top + 44 - rise} {right:.1f},{cut.top + 10}"
    )
    sheet.line(tape, darker(cloth.base, 0.5), 3, 0.7)
    sheet.glow(symmetric(half), "#000", 0.22)


@dataclass(frozen=True)
class Sleeve:
    """Holds a left sleeve: its outline, the line of its cuff and its angle in degrees."""

    path: str
    cuff: str
    lean: float


def sleeve(cut: Torso) -> Sleeve:
    """Return the left sleeve of the cut. Raises ``KeyError`` for an unknown length."""
    tip, tip_y = MIDDLE - cut.shoulder, cut.top + cut.slope
    arm, pit = MIDDLE - cut.chest, cut.armpit
    (ox, oy), (ix, iy), lean = {
        "short": ((tip - 122, tip_y + 238), (arm - 24, pit + 104), 24),
        "elbow": ((tip - 138, tip_y + 380), (arm - 44, pit + 215), 20),
        "long": ((tip - 132, tip_y + 738), (tip - 48, tip_y + 758), 10),
        "puff": ((tip - 104, tip_y + 232), (arm - 30, pit + 78), 22),
    }[cut.sleeve]
    swell = {"puff": 60, "long": 26}.get(cut.sleeve, 0)
    # The edges of the sleeve meet the cuff at right angles, so that bands and hems fit.
    reach = 0.34 * (oy - tip_y) / ((ix - ox) ** 2 + (iy - oy) ** 2) ** 0.5
    ux, uy = (iy - oy) * reach, -(ix - ox) * reach
    path = (
        f"M{tip + 40:.1f},{tip_y - 16:.1f} C{tip - 18 - swell:.1f},{tip_y + 4 - swell * 0.3:.1f} "
        f"{ox + ux - swell * 0.4:.1f},{oy + uy * 1.5:.1f} {ox:.1f},{oy:.1f} "
        f"L{ix:.1f},{iy:.1f} C{ix + ux * 0.8:.1f},{iy + uy * 0.8:.1f} "
        f"{arm - 8:.1f},{pit + 50:.1f} {arm + 4:.1f},{pit + 2:.1f} C{arm + 70:.1f},{pit - 80:.1f} "
        f"{tip + 80:.1f},{tip_y + 60:.1f} {tip + 40:.1f},{tip_y - 16:.1f} Z"
    )
    return Sleeve(path, f"M{ox:.1f},{oy:.1f} L{ix:.1f},{iy:.1f}", lean)


def cuff_band(line: str, depth: float) -> str:
    """Return a closed rectangle, `depth` high, that stands on the line of a left cuff."""
    (x1, y1), (x2, y2) = (tuple(map(float, p.split(","))) for p in line[1:].split(" L"))
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    ux, uy = (y2 - y1) / length * depth, -(x2 - x1) / length * depth
    return (
        f"M{x1:.1f},{y1:.1f} L{x2:.1f},{y2:.1f} L{x2 + ux:.1f},{y2 + uy:.1f} "
        f"L{x1 + ux:.1f},{y1 + uy:.1f} Z"
    )


def hem_stitch(sheet: Sheet, line: str, cloth: Cloth, rise: float) -> None:
    """Draw a dashed line parallel to a left cuff, `rise` above it, and the mirror image."""
    first, second = cuff_band(line, rise)[1:-2].split(" L")[2:4]
    for path in both(f"M{first} L{second}"):
        sheet.stitch(path, cloth)


def sleeves(sheet: Sheet, cut: Torso, cloth: Cloth) -> None:
    """Draw both sleeves with their creases, or nothing for a sleeveless cut."""
    if cut.sleeve == "none":
        return
    left = sleeve(cut)
    sheet.panel(left.path, cloth, left.lean, 0.85)
    sheet.panel(mirror(left.path), cloth, -left.lean, 0.85)
    arm, pit = MIDDLE - cut.chest, cut.armpit
    sheet.fold((arm - 10, pit + 60), (arm - 84, pit - 40), 8, 12, 0.3)
    sheet.fold((960 - arm + 10, pit + 60), (960 - arm + 84, pit - 40), -8, 12, 0.3)
    if cut.sleeve == "long":
        _long_creases(sheet, cut)


def _long_creases(sheet: Sheet, cut: Torso) -> None:
    x, y = MIDDLE - cut.shoulder - 50, cut.top + cut.slope + 330
    for dy, reach, bend in ((0, 52, 10), (58, 44, -8), (-92, 40, 10), (220, 40, 8)):
        lean = dy * 0.12
        sheet.fold((x - reach - lean, y + dy + 22), (x + 24 - lean, y + dy - 18), bend, 10, 0.26)
        sheet.fold(
            (960 - x + reach + lean, y + dy + 22),
            (960 - x - 24 + lean, y + dy - 18),
            -bend,
            10,
            0.26,
        )


def body(sheet: Sheet, cut: Torso, cloth: Cloth) -> None:
    """Draw the front with its creases."""
    path = body_path(cut)
    sheet.panel(path, cloth)
    drape(sheet, cut)


def drape(sheet: Sheet, cut: Torso) -> None:
    """Draw creases from the armpits to the waist and up from the hem."""
    arm, pit, low = MIDDLE - cut.chest, cut.armpit, cut.bottom
    sheet.folds(
        ((arm + 18, pit - 6), (arm + 130, pit + 120), 14),
        ((960 - arm - 18, pit - 6), (960 - arm - 130, pit + 120), -14),
        ((MIDDLE - cut.waist + 20, cut.waistline + 10), (MIDDLE - 90, cut.waistline + 74), 10),
        ((MIDDLE + cut.waist - 20, cut.waistline - 20), (MIDDLE + 80, cut.waistline + 50), -12),
    )
    for x, height, bend in ((-150, 230, 10), (-40, 170, -8), (70, 250, 8), (165, 200, -10)):
        at = MIDDLE + x * cut.hem / 250
        sheet.fold((at, low + 6), (at + bend * 2, low - height), bend, 13, 0.22)


def ribbed(sheet: Sheet, path: str, cloth: Cloth, angle: float = 0, colour: str = "") -> None:
    """Draw a knitted rib over the outline, in the cloth's base colour unless one is given."""
    base = colour or cloth.base
    sheet.panel(path, Cloth(base, ink(base, 0.4), "ribs"), angle, 0.7)


def neck_band(cut: Torso, width: float) -> str:
    """Return a closed band, `width` wide, along the front neckline and inside the body."""
    outer = neckline(cut)
    raised = Torso(
        neck=cut.neck + width * 0.8,
        top=cut.top + width * 0.24,
        drop=cut.drop + width * (1.1 if cut.neckline == "v" else 0.8),
        neckline=cut.neckline,
    )
    return _band(outer, neckline(raised))


def _band(inner: str, outer: str) -> str:
    inner_line = f"{mirror_open(inner)}"
    start = backwards(outer)
    return f"{inner_line} L{_end(outer)} {start} {mirror(outer)[1:].split(' ', 1)[1]} Z"


def _end(path: str) -> str:
    return path.rsplit(" ", 1)[-1]


def mirror_open(half: str) -> str:
    """Return a left half and its mirror image as one open line, from the right to the left end."""
    right = mirror(half)
    return f"M{_end(right)} {backwards(right)} {half[1:].split(' ', 1)[1]}"
