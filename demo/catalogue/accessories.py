"""Draw caps, sunglasses, scarves, ties and watches."""

from __future__ import annotations

from math import cos, pi, sin

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import brightness, darker, lighter
from demo.catalogue.paths import both, ellipse, rounded, symmetric
from demo.catalogue.patterns import Cloth

STEEL, GOLD = "#c3c7cc", "#d2ab5c"


def cap(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a hat: `baseball`, `beanie` or `bucket`."""
    {"baseball": _baseball, "beanie": _beanie, "bucket": _bucket_hat}[cut](sheet, cloth)


def _baseball(sheet: Sheet, cloth: Cloth) -> None:
    crown = symmetric(
        "M480,330 C300,330 200,460 190,700 C190,740 210,760 240,770 C320,740 400,730 480,730"
    )
    sheet.panel(crown, cloth)
    for line in both("M480,336 C400,420 360,560 352,740"):
        sheet.seam(line, cloth, 3)
        sheet.stitch(line, cloth)
    sheet.seam("M480,336 L480,730", cloth, 3)
    brim = symmetric(
        "M480,712 C380,712 280,724 206,756 C140,800 120,860 150,904 C250,850 360,836 480,836"
    )
    accent = cloth.plain(cloth.accent if cloth.pattern == "solid" else cloth.base)
    sheet.glow(brim, "#000", 0.25)
    sheet.panel(brim, accent, volume=0.9)
    for rise in (0, 26, 52):
        for line in both(f"M480,{818 - rise} C370,{818 - rise} 260,{832 - rise} 168,{878 - rise}"):
            sheet.stitch(line, accent)
    sheet.panel(ellipse(480, 332, 24, 14), accent, volume=0.6)


def _beanie(sheet: Sheet, cloth: Cloth) -> None:
    crown = symmetric("M480,300 C320,296 224,420 214,720 L220,800 L480,810")
    sheet.panel(crown, cloth)
    for x in (330, 405, 555, 630):
        sheet.fold((480 + (x - 480) * 0.3, 320), (x, 700), 0, 14, 0.26)
    cuff = symmetric(
        "M480,700 C380,700 280,694 206,680 C194,760 194,840 206,900 C300,920 400,924 480,924"
    )
    sheet.panel(cuff, Cloth(cloth.base, darker(cloth.base, 0.3), "ribs", 1.6), volume=0.9)
    pompom = ellipse(480, 270, 92, 86)
    sheet.panel(pompom, Cloth(cloth.accent), volume=1)
    for step in range(40):
        angle, near = step * 2.4, 20 + (step * 37) % 60
        left, top = 480 + cos(angle) * near, 270 + sin(angle) * near
        out = f"M{left:.1f},{top:.1f} L{left + cos(angle) * 22:.1f},{top + sin(angle) * 22:.1f}"
        sheet.line(out, darker(cloth.accent, 0.3), 4, 0.5)


def _bucket_hat(sheet: Sheet, cloth: Cloth) -> None:
    crown = symmetric("M480,380 C380,380 310,390 300,420 C280,520 264,620 256,720 L480,760")
    sheet.panel(crown, cloth)
    brim = symmetric(
        "M480,700 C390,700 310,690 262,672 C220,740 160,820 120,888 C230,950 360,960 480,960"
    )
    sheet.panel(brim, cloth)
    for rise in (24, 60, 96, 132):
        edge = f"M{132 + rise * 0.62:.1f},{888 - rise} C240,{948 - rise} 360,{958 - rise} 480,{958 - rise}"
        for line in both(edge):
            sheet.stitch(line, cloth)
    sheet.seam("M300,424 C400,446 560,446 660,424", cloth, 3)


def sunglasses(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw sunglasses: `round`, `square`, `aviator` or `cat-eye`; the accent tints the lenses."""
    lenses = {
        "round": (ellipse(290, 660, 150, 150), ellipse(290, 660, 124, 124)),
        "square": (rounded(130, 540, 310, 230, 54), rounded(156, 566, 258, 178, 36)),
        "aviator": (
            "M150,560 C230,530 360,530 432,566 C452,680 400,790 300,800 C200,800 130,690 150,560 Z",
            "M162,570 C236,544 354,544 420,576 C438,676 390,776 300,786 C212,786 146,684 162,570 Z",
        ),
        "cat-eye": (
            "M84,512 C200,540 360,520 436,580 C450,700 390,784 290,784 C190,784 140,700 130,620 C120,580 100,550 84,512 Z",
            "M160,586 C240,566 350,560 410,604 C416,700 370,756 292,756 C216,756 168,700 160,586 Z",
        ),
    }[cut]
    for arm in both("M146,590 C110,520 120,440 150,380 L168,386 C146,450 150,520 176,580 Z"):
        sheet.panel(arm, cloth.plain(darker(cloth.base, 0.2)), volume=0.8)
    bridge = "M420,610 C450,570 510,570 540,610 L530,640 C506,606 454,606 430,640 Z"
    sheet.panel(bridge, cloth.plain(), volume=0.7)
    if cut == "aviator":
        sheet.line("M400,556 L560,556", cloth.base, 12)
    for frame in both(lenses[0]):
        sheet.panel(frame, cloth, volume=0.8)
    for glass in both(lenses[1]):
        sheet.panel(glass, Cloth(cloth.accent), volume=0.8)
    for dx in (0, 380):
        glint = f"M{220 + dx},720 L{320 + dx},590 L{352 + dx},590 L{252 + dx},720 Z"
        sheet.shape(glint, "#ffffff", 0.16)


def scarf(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a scarf: `long` (looped) or `square` (a folded shawl)."""
    if cut == "square":
        sheet.panel(
            "M110,420 C300,380 660,380 850,420 C740,640 600,900 480,1110 C360,900 220,640 110,420 Z",
            cloth,
        )
        sheet.panel(
            "M110,420 C300,380 660,380 850,420 C800,480 640,640 420,700 C280,620 180,520 110,420 Z",
            cloth,
            18,
        )
        sheet.folds(((200, 470), (460, 980), 14), ((720, 520), (500, 900), -12))
        return
    for tail, low in (
        (
            ("M330,420 L480,430 C486,700 470,900 476,1100 L300,1096 C300,860 310,640 330,420 Z"),
            1098,
        ),
        (
            ("M470,420 L630,410 C652,640 664,800 660,1000 L500,1006 C490,800 476,640 470,420 Z"),
            1002,
        ),
    ):
        left, right = (302, 474) if low > 1050 else (502, 658)
        for x in range(left, right, 12):
            sheet.line(f"M{x},{low} L{x + (x % 5) - 2},{low + 56}", cloth.base, 5)
        sheet.panel(tail, cloth, 4)
    sheet.folds(((370, 1080), (390, 560), 8), ((590, 980), (570, 560), -8))
    loop = "M250,300 C260,180 700,180 710,300 C730,440 620,520 480,520 C340,520 230,440 250,300 Z"
    sheet.glow(loop, "#000", 0.25)
    sheet.panel(loop, cloth, 8)
    hole = "M330,270 C360,214 600,214 630,270 C600,330 360,330 330,270 Z"
    sheet.panel(hole, cloth.plain(darker(cloth.base, 0.4)), volume=0.6)
    sheet.folds(((280, 360), (660, 400), 50), ((330, 460), (640, 340), 40))


def tie(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a necktie: `classic` or `slim`."""
    wide = 92 if cut == "classic" else 62
    sheet.panel(
        symmetric("M480,150 C400,130 330,140 300,170 C340,200 400,230 480,250"),
        cloth.plain(darker(cloth.base, 0.15)),
    )
    blade = f"M480,270 L446,280 C430,600 {480 - wide},900 {480 - wide},1060 L480,1160"
    sheet.panel(symmetric(blade), cloth, 40)
    knot = symmetric("M480,170 C450,166 420,170 406,180 C420,230 436,270 446,296 L480,304")
    sheet.panel(knot, cloth, -40)
    sheet.fold((452, 300), (500, 560), 8, 10, 0.3)


def watch(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a wristwatch: `round`, `square` or `chrono`; the accent is the dial."""
    for strap in (
        "M396,470 L564,470 C558,340 548,220 540,110 L420,110 C412,220 402,340 396,470 Z",
        "M396,810 L564,810 C558,940 548,1080 536,1176 C510,1196 450,1196 424,1176 C412,1080 402,940 396,810 Z",
    ):
        sheet.panel(strap, cloth)
    for line in (
        both("M412,450 C418,340 428,220 434,126"),
        both("M412,830 C418,940 428,1060 436,1164"),
    ):
        for path in line:
            sheet.stitch(path, cloth)
    for y in (930, 980, 1030, 1080):
        sheet.shape(ellipse(480, y, 8, 10), darker(cloth.base, 0.6))
    sheet.shape(rounded(412, 96, 136, 26, 10), STEEL, 1, "#6d7178")
    metal = STEEL if cut != "square" else GOLD
    sheet.panel(rounded(668, 618, 36, 44, 8), Cloth(metal), volume=0.8)
    outer, inner = (ellipse(480, 640, 200, 200), ellipse(480, 640, 168, 168))
    if cut == "square":
        outer, inner = rounded(296, 456, 368, 368, 60), rounded(326, 486, 308, 308, 44)
    sheet.panel(outer, Cloth(metal), volume=1)
    sheet.panel(inner, Cloth(cloth.accent), volume=0.5)
    marks = "#f4f3ef" if brightness(cloth.accent) < 0.5 else "#2b2c31"
    for hour in range(12):
        across, up = sin(hour * pi / 6), cos(hour * pi / 6)
        width = 9 if hour % 3 == 0 else 4
        sheet.line(
            f"M{480 + across * 146:.1f},{640 - up * 146:.1f} L{480 + across * 122:.1f},{640 - up * 122:.1f}",
            marks,
            width,
        )
    if cut == "chrono":
        for left, top in ((420, 640), (540, 640), (480, 710)):
            sheet.shape(ellipse(left, top, 38, 38), lighter(cloth.accent, 0.2), 1, marks)
            sheet.line(f"M{left},{top} L{left + 14},{top - 20}", marks, 3)
    sheet.line("M480,640 L416,580", marks, 11)
    sheet.line("M480,640 L560,556", marks, 8)
    sheet.line("M480,660 L480,740", "#c8313a", 3)
    sheet.shape(ellipse(480, 640, 10, 10), marks)
