"""Draw printed and woven patterns as marks that cover a box; the caller clips them to a panel.

SVG's `<pattern>` is not used, because resvg samples a rotated pattern bicubically, which takes a
second per image. Clipped marks take a few hundredths of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi, sin

from demo.catalogue.palette import brightness, darker, lighter, mix
from demo.catalogue.paths import Box, ellipse


@dataclass(frozen=True)
class Cloth:
    """Holds what a panel is cut from: two `#rrggbb` colours, a pattern name and its size (1 = usual)."""

    base: str
    accent: str = "#ffffff"
    pattern: str = "solid"
    scale: float = 1.0

    def plain(self, colour: str | None = None) -> Cloth:
        """Return the cloth without its pattern, optionally in another colour."""
        return Cloth(colour or self.base, self.accent)


def marks(cloth: Cloth, box: Box) -> str:
    """Return SVG of the cloth's pattern over the box, or an empty text for a solid cloth.

    Raises ``KeyError`` for an unknown pattern.
    """
    return PATTERNS[cloth.pattern](cloth, box) if cloth.pattern != "solid" else ""


def _steps(start: float, end: float, step: float) -> Iterator[float]:
    # The steps are multiples of `step`, so that the patterns of neighbouring panels line up.
    at = (start // step) * step
    while at < end:
        yield at
        at += step


def _bars(box: Box, step: float, thick: float, across: bool, shift: float = 0) -> str:
    if across:
        width = box.right - box.left
        return "".join(
            f"M{box.left:.0f},{y + shift:.1f}h{width:.0f}v{thick:.1f}h-{width:.0f}Z"
            for y in _steps(box.top, box.bottom, step)
        )
    height = box.bottom - box.top
    return "".join(
        f"M{x + shift:.1f},{box.top:.0f}v{height:.0f}h{thick:.1f}v-{height:.0f}Z"
        for x in _steps(box.left, box.right, step)
    )


def _filled(path: str, colour: str, opacity: float = 1.0) -> str:
    return f'<path d="{path}" fill="{colour}" fill-opacity="{opacity:g}"/>'


def _stripes(cloth: Cloth, box: Box) -> str:
    return _filled(_bars(box, 56 * cloth.scale, 24 * cloth.scale, across=True), cloth.accent)


def _upright(cloth: Cloth, box: Box) -> str:
    return _filled(_bars(box, 40 * cloth.scale, 15 * cloth.scale, across=False), cloth.accent)


def _pinstripes(cloth: Cloth, box: Box) -> str:
    return _filled(_bars(box, 30 * cloth.scale, 3.2, across=False), cloth.accent, 0.8)


def _gingham(cloth: Cloth, box: Box) -> str:
    step = 48 * cloth.scale
    bars = [_bars(box, step, step / 2, across=side) for side in (True, False)]
    return "".join(_filled(bar, cloth.accent, 0.55) for bar in bars)


def _tartan(cloth: Cloth, box: Box) -> str:
    step = 120 * cloth.scale
    dark, light = darker(cloth.base, 0.45), cloth.accent
    drawn = ""
    for side in (True, False):
        drawn += _filled(_bars(box, step, step * 0.4, side), dark, 0.5)
        drawn += _filled(_bars(box, step, step * 0.05, side, step * 0.66), light, 0.85)
        drawn += _filled(_bars(box, step, step * 0.03, side, step * 0.18), light, 0.6)
    return drawn


def _grid(box: Box, step: float) -> Iterator[tuple[float, float, int]]:
    for row, y in enumerate(_steps(box.top, box.bottom + step, step)):
        offset = step / 2 if round(y / step) % 2 else 0.0
        for column, x in enumerate(_steps(box.left - step, box.right + step, step)):
            yield x + offset, y, row * 7 + column * 3


def _dots(cloth: Cloth, box: Box) -> str:
    size = 11 * cloth.scale
    drawn = "".join(ellipse(x, y, size, size) for x, y, _ in _grid(box, 46 * cloth.scale))
    return _filled(drawn, cloth.accent)


def _petals(x: float, y: float, size: float, turn: float) -> str:
    angles = [turn + 2 * pi * petal / 5 for petal in range(5)]
    return "".join(
        ellipse(x + cos(a) * size, y + sin(a) * size, size * 0.72, size * 0.72) for a in angles
    )


def _leaf(x: float, y: float, angle: float, long: float) -> str:
    dx, dy = cos(angle) * long, sin(angle) * long
    nx, ny = -dy * 0.36, dx * 0.36
    mx, my = x + dx / 2, y + dy / 2
    return (
        f"M{x:.1f},{y:.1f}Q{mx + nx:.1f},{my + ny:.1f} {x + dx:.1f},{y + dy:.1f}"
        f"Q{mx - nx:.1f},{my - ny:.1f} {x:.1f},{y:.1f}Z"
    )


def _floral(cloth: Cloth, box: Box) -> str:
    step, flowers, centres, leaves = 84 * cloth.scale, "", "", ""
    for x, y, turn in _grid(box, step):
        size = step * (0.17 if turn % 2 else 0.125)
        flowers += _petals(x, y, size, turn)
        centres += ellipse(x, y, size * 0.55, size * 0.55)
        leaves += _leaf(x + size, y + size, 0.7 + turn % 3, step * 0.34)
        leaves += _leaf(x - size, y - size, 3.6 + turn % 3, step * 0.3)
    green = mix("#4f7a52", cloth.base, 0.35 if brightness(cloth.base) > 0.3 else 0.1)
    return _filled(leaves, green) + _filled(flowers, cloth.accent) + _filled(centres, "#e3b04b")


def _leaves(cloth: Cloth, box: Box) -> str:
    step, front, behind = 96 * cloth.scale, "", ""
    for x, y, turn in _grid(box, step):
        for spread in range(5):
            angle = turn * 0.9 + (spread - 2) * 0.5
            front += _leaf(x, y, angle, step * (0.5 if spread == 2 else 0.4))
        behind += _leaf(x + step / 2, y, turn * 1.3, step * 0.45)
    return _filled(behind, mix(cloth.base, cloth.accent, 0.45)) + _filled(front, cloth.accent)


def _zigzag(box: Box, y: float, step: float, thick: float) -> str:
    xs = list(_steps(box.left - step, box.right + 2 * step, step))
    tops = [(x, y + (step * 0.55 if round(x / step) % 2 else 0)) for x in xs]
    back = [(x, top + thick) for x, top in reversed(tops)]
    return "M" + "L".join(f"{x:.1f},{top:.1f}" for x, top in [*tops, *back]) + "Z"


def _chevron(cloth: Cloth, box: Box) -> str:
    gap = 72 * cloth.scale
    rows = _steps(box.top - gap, box.bottom + gap, gap)
    drawn = "".join(_zigzag(box, y, 44 * cloth.scale, 26 * cloth.scale) for y in rows)
    return _filled(drawn, cloth.accent)


def _blocks(cloth: Cloth, box: Box) -> str:
    # The lower 40 % of the box has the accent colour, below a strip of a mixed colour.
    height, width = box.bottom - box.top, box.right - box.left
    low, band = box.top + height * 0.6, height * 0.09
    middle = mix(cloth.accent, cloth.base, 0.5)
    lower = f"M{box.left:.0f},{low:.0f}h{width:.0f}V{box.bottom:.0f}h-{width:.0f}Z"
    strip = f"M{box.left:.0f},{low:.0f}h{width:.0f}v-{band:.0f}h-{width:.0f}Z"
    return _filled(lower, cloth.accent) + _filled(strip, middle)


def _fairisle(cloth: Cloth, box: Box) -> str:
    gap, drawn, small = 150 * cloth.scale, "", ""
    for y in _steps(box.top - gap, box.bottom + gap, gap):
        drawn += _zigzag(box, y, 22 * cloth.scale, 9) + _zigzag(box, y + 74, 22 * cloth.scale, 9)
        for x in _steps(box.left, box.right, 44 * cloth.scale):
            drawn += f"M{x:.0f},{y + 30:.0f}l17,19l-17,19l-17,-19Z"
            small += f"M{x + 22:.0f},{y + 42:.0f}l7,8l-7,8l-7,-8Z"
    return _filled(drawn, cloth.accent) + _filled(small, lighter(cloth.accent, 0.3))


def _camouflage(cloth: Cloth, box: Box) -> str:
    step, first, second = 118 * cloth.scale, "", ""
    for x, y, turn in _grid(box, step):
        wide = step * (0.34 + 0.06 * (turn % 3))
        first += ellipse(x, y, wide, step * 0.17) + ellipse(x + wide * 0.6, y + 22, wide * 0.6, 26)
        second += ellipse(x + step / 2, y + step * 0.42, wide * 0.75, step * 0.13)
        second += ellipse(x + step * 0.3, y + step * 0.52, wide * 0.4, step * 0.15)
    return _filled(first, cloth.accent) + _filled(second, darker(cloth.base, 0.5))


def _ribs(cloth: Cloth, box: Box) -> str:
    return _filled(_bars(box, 15 * cloth.scale, 5 * cloth.scale, across=False), cloth.accent, 0.55)


PATTERNS: dict[str, Callable[[Cloth, Box], str]] = {
    "stripes": _stripes,
    "upright": _upright,
    "pinstripes": _pinstripes,
    "gingham": _gingham,
    "tartan": _tartan,
    "dots": _dots,
    "floral": _floral,
    "leaves": _leaves,
    "chevron": _chevron,
    "blocks": _blocks,
    "fairisle": _fairisle,
    "camouflage": _camouflage,
    "ribs": _ribs,
}
