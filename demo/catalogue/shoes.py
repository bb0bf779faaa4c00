"""Draw shoes, seen from the side with the toe to the left."""

from __future__ import annotations

from demo.catalogue.drawing import Sheet
from demo.catalogue.palette import brightness, darker, lighter
from demo.catalogue.patterns import Cloth

UPPER = (
    "M92,800 C96,740 150,712 230,690 C320,664 400,600 470,536 C500,512 540,520 560,548 "
    "C600,590 680,590 730,548 C756,520 800,500 826,516 C846,560 858,640 868,700 "
    "C874,740 876,780 874,810 L100,820 C94,816 92,810 92,800 Z"
)


def sports_shoe(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a trainer: `runner`, `court` or `high`."""
    pale = "#f4f3ef" if brightness(cloth.base) < 0.85 else "#d9dade"
    sole = (
        "M84,800 C80,850 96,884 150,888 L830,892 C884,890 904,850 888,786 C760,806 600,812 "
        "430,810 C300,816 180,816 84,800 Z"
    )
    if cut == "runner":
        sole = (
            "M80,800 C58,842 90,880 160,886 L790,906 C880,908 926,850 892,760 C780,790 600,816 "
            "430,810 C300,816 180,816 80,800 Z"
        )
    if cut == "high":
        _shaft(sheet, cloth)
    _upper(sheet, cloth)
    sheet.panel(
        "M92,800 C96,744 150,714 226,692 C300,706 330,760 322,816 L100,820 C94,816 92,810 92,800 Z",
        cloth.plain(cloth.accent if cut == "court" else darker(cloth.base, 0.18)),
        volume=0.7,
    )
    heel = "M826,516 C846,560 858,640 868,700 C874,740 876,780 874,810 L740,814 C770,720 760,620 740,540 C766,512 802,502 826,516 Z"
    sheet.panel(heel, cloth.plain(cloth.accent), volume=0.7)
    if cut == "runner":
        wave = "M350,790 C470,760 600,700 716,600 C700,700 640,780 540,812 L360,814 Z"
        sheet.panel(wave, cloth.plain(cloth.accent), volume=0.4)
    else:
        for x in (520, 580, 640):
            bar = f"M{x},800 L{x - 46},640 L{x - 18},630 L{x + 30},796 Z"
            sheet.panel(bar, cloth.plain(cloth.accent), volume=0.3)
    _laces(sheet, pale)
    sheet.panel(sole, Cloth(pale), volume=0.8)
    sheet.line("M96,846 C300,862 640,866 884,838", cloth.accent, 7, 0.9)
    sheet.line("M110,884 L160,889 L820,896", "#55565c", 9, 0.8, "16 9")


def _upper(sheet: Sheet, cloth: Cloth) -> None:
    inside = "M470,540 C520,500 760,490 826,518 C800,560 700,600 640,592 C580,590 520,570 470,540 Z"
    sheet.panel(inside, cloth.plain(darker(cloth.base, 0.45)), volume=0.5)
    sheet.panel(UPPER, cloth)
    sheet.fold((340, 720), (300, 790), 8, 12, 0.2)


def _shaft(sheet: Sheet, cloth: Cloth) -> None:
    shaft = (
        "M470,540 C520,480 540,420 548,370 C620,346 740,346 818,372 C816,430 820,480 840,540 "
        "L820,700 L560,700 Z"
    )
    sheet.panel(shaft, cloth)
    sheet.panel("M548,370 C620,346 740,346 818,372 C740,396 620,396 548,370 Z", cloth.plain())
    sheet.stitch("M552,392 C620,416 740,416 816,394", cloth)


def _laces(sheet: Sheet, colour: str) -> None:
    for step in range(5):
        x, y = 336 + step * 38, 656 - step * 29
        lace = f"M{x},{y} C{x + 20},{y - 6} {x + 50},{y + 12} {x + 62},{y + 44}"
        sheet.line(lace, "#000000", 18, 0.22)
        sheet.line(lace, colour, 13)


def casual_shoe(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a flat shoe: `canvas` (laced), `loafer`, `slip-on` or `derby`."""
    _upper(sheet, cloth)
    if cut == "canvas":
        toe = "M92,800 C96,744 150,714 226,694 C270,716 280,770 272,818 L100,820 C94,816 92,810 92,800 Z"
        sheet.panel(toe, Cloth("#f4f3ef"), volume=0.8)
        _laces(sheet, "#f4f3ef")
    elif cut == "derby":
        vamp = "M330,640 C420,640 520,660 560,720 C620,700 700,640 740,556"
        sheet.seam(vamp, cloth, 3)
        sheet.stitch("M330,652 C420,652 510,672 552,734", cloth)
        _laces(sheet, darker(cloth.base, 0.5))
    elif cut == "loafer":
        apron = (
            "M150,742 C200,700 320,690 400,640 C420,660 440,690 440,720 C360,770 220,776 150,742 Z"
        )
        sheet.panel(apron, cloth, volume=0.6)
        strap = "M378,620 L470,536 C520,600 560,700 560,806 L470,810 C470,730 430,660 378,620 Z"
        sheet.panel(strap, cloth.plain(darker(cloth.base, 0.14)), volume=0.6)
    else:
        gore = "M430,572 L480,530 C520,512 548,530 560,548 L590,640 C550,690 490,660 430,572 Z"
        sheet.panel(gore, cloth.plain(darker(cloth.base, 0.4)), volume=0.6)
    for line in ("M570,566 C620,612 690,606 738,562", "M800,530 C826,620 838,720 842,806"):
        sheet.stitch(line, cloth)
    rubber = Cloth("#efece4" if cut in ("canvas", "slip-on") else "#4a3428")
    sole = (
        "M84,796 C80,840 92,862 140,864 L850,866 C886,862 892,830 884,790 C760,806 600,812 430,812 "
        "C300,816 180,816 84,796 Z"
    )
    sheet.panel(sole, rubber, volume=0.8)
    if cut == "derby":
        sheet.panel("M690,860 L882,858 L882,902 L694,902 Z", Cloth("#3a2a20"), volume=0.6)
    sheet.stitch("M96,824 C300,838 640,836 880,816", rubber)


def heels(sheet: Sheet, cut: str, cloth: Cloth) -> None:
    """Draw a heeled shoe: `stiletto`, `block` or `strap` (with an ankle strap)."""
    if cut == "block":
        post = "M730,560 C770,600 860,560 872,540 C872,660 850,780 846,916 L744,916 C740,800 730,680 700,610 Z"
    else:
        post = "M720,570 C770,610 862,560 876,536 C876,620 834,740 826,916 L796,916 C794,800 776,690 700,620 Z"
    sheet.panel(post, cloth.plain(darker(cloth.base, 0.16)), volume=0.9)
    sheet.shape(
        "M130,884 C300,900 400,880 520,780 C600,712 660,640 720,610 L730,630 C660,680 600,740 530,806 C420,906 280,922 130,904 Z",
        "#3a2f2c",
    )
    inside = "M300,800 C420,740 600,560 690,480 C760,440 830,440 866,468 L740,600 L420,860 Z"
    sheet.panel(inside, Cloth(lighter("#bf8c58", 0.35)), volume=0.6)
    upper = (
        "M96,892 C110,850 200,806 300,800 C330,822 380,826 420,806 C520,756 620,650 700,540 "
        "C740,490 800,452 866,464 C884,500 886,540 872,570 C820,620 740,610 690,644 "
        "C620,690 560,770 500,820 C400,896 240,910 96,892 Z"
    )
    sheet.panel(upper, cloth)
    sheet.glow_line("M170,862 C220,836 260,824 296,826", "#fff", 16, 0.5)
    if cut == "strap":
        band = "M800,470 C796,400 796,350 800,300 C720,330 640,330 590,300 L586,328 C640,366 720,366 776,338 C772,390 772,430 774,480 Z"
        sheet.panel(band, cloth.plain(), volume=0.7)
        sheet.shape("M664,326 L696,328 L696,364 L664,362 Z", "#d2ab5c", 1, "#8a6a2c")
