"""Compute SVG paths that use only absolute `x,y` pairs and the commands M, L, C, Q and Z."""

from __future__ import annotations

import re
from typing import NamedTuple

WIDTH, HEIGHT, MIDDLE = 960, 1280, 480

_PAIR = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")
_STEP = re.compile(r"([MLCQZ])([^MLCQZ]*)")
Point = tuple[float, float]


class Box(NamedTuple):
    """Represents an upright rectangle in picture units."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def centre(self) -> Point:
        """Return the centre of the box."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def turned(self) -> Box:
        """Return the square that covers the box at any rotation about its centre."""
        x, y = self.centre
        reach = ((self.right - self.left) ** 2 + (self.bottom - self.top) ** 2) ** 0.5 / 2
        return Box(x - reach, y - reach, x + reach, y + reach)


def points(path: str) -> list[Point]:
    """Return every coordinate pair of the path, including control points."""
    return [(float(x), float(y)) for x, y in _PAIR.findall(path)]


def box_of(path: str) -> Box:
    """Return the box around the path's points and control points."""
    xs, ys = zip(*points(path), strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def mirror(path: str) -> str:
    """Return the path mirrored left to right in the picture."""
    return _PAIR.sub(lambda pair: f"{WIDTH - float(pair[1]):.1f},{pair[2]}", path)


def pair(point: Point) -> str:
    """Format a point as `x,y` for a path."""
    return f"{point[0]:.1f},{point[1]:.1f}"


def backwards(path: str) -> str:
    """Return the open path in the opposite direction, without the M and first point."""
    steps = [(letter, points(rest)) for letter, rest in _STEP.findall(path)]
    trail: list[str] = []
    for index in range(len(steps) - 1, 0, -1):
        letter, here = steps[index]
        target = steps[index - 1][1][-1]
        trail.append(letter + " ".join(pair(p) for p in [*here[-2::-1], target]))
    return " ".join(trail)


def symmetric(half: str) -> str:
    """Return a closed outline from its left half, drawn from the top middle to the bottom middle."""
    return f"{half} {backwards(mirror(half))} Z"


def both(path: str) -> tuple[str, str]:
    """Return the path and its mirror image."""
    return path, mirror(path)


def lens(start: Point, end: Point, bend: float, width: float) -> str:
    """Return a tapering sliver from start to end, bent sideways by `bend`, `width` at its thickest."""
    (x1, y1), (x2, y2) = start, end
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1.0
    nx, ny = -(y2 - y1) / length, (x2 - x1) / length
    mx, my = (x1 + x2) / 2, (y1 + y2) / 2
    near = (mx + nx * (bend - width), my + ny * (bend - width))
    far = (mx + nx * (bend + width), my + ny * (bend + width))
    return f"M{pair(start)} Q{pair(near)} {pair(end)} Q{pair(far)} {pair(start)} Z"


def ellipse(x: float, y: float, rx: float, ry: float) -> str:
    """Return a closed ellipse made of four cubic curves."""
    kx, ky = rx * 0.5523, ry * 0.5523
    return (
        f"M{x - rx:.1f},{y:.1f} C{x - rx:.1f},{y - ky:.1f} {x - kx:.1f},{y - ry:.1f} "
        f"{x:.1f},{y - ry:.1f} C{x + kx:.1f},{y - ry:.1f} {x + rx:.1f},{y - ky:.1f} "
        f"{x + rx:.1f},{y:.1f} C{x + rx:.1f},{y + ky:.1f} {x + kx:.1f},{y + ry:.1f} "
        f"{x:.1f},{y + ry:.1f} C{x - kx:.1f},{y + ry:.1f} {x - rx:.1f},{y + ky:.1f} "
        f"{x - rx:.1f},{y:.1f} Z"
    )


def rounded(left: float, top: float, width: float, height: float, radius: float) -> str:
    """Return a closed rectangle with round corners."""
    right, bottom, r = left + width, top + height, min(radius, width / 2, height / 2)
    return (
        f"M{left + r:.1f},{top:.1f} L{right - r:.1f},{top:.1f} Q{right:.1f},{top:.1f} "
        f"{right:.1f},{top + r:.1f} L{right:.1f},{bottom - r:.1f} Q{right:.1f},{bottom:.1f} "
        f"{right - r:.1f},{bottom:.1f} L{left + r:.1f},{bottom:.1f} Q{left:.1f},{bottom:.1f} "
        f"{left:.1f},{bottom - r:.1f} L{left:.1f},{top + r:.1f} Q{left:.1f},{top:.1f} "
        f"{left + r:.1f},{top:.1f} Z"
    )
