"""Draw loss and precision over the epochs as an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, TOP = 640, 360, 56, 40
PLOT_WIDTH, PLOT_HEIGHT = WIDTH - 2 * LEFT, HEIGHT - 2 * TOP
COLOURS = {
    "loss": "#555",
    "category": "#0b62a3",
    "base_colour": "#b3541e",
    "gender": "#5b7f1d",
    "usage": "#7a3e9d",
}


def draw_curves(name: str, history: Sequence[dict[str, Any]], best: int) -> str:
    """Draw the precisions from 0 to 1 and the loss, dashed, from 0 to its highest value."""
    top = max(entry["loss"] for entry in history) or 1.0
    series = {"loss": [entry["loss"] / top for entry in history]} | {
        label: [entry["precision"][label] for entry in history] for label in list(COLOURS)[1:]
    }
    body = [_frame(name, len(history), top), _best(best, len(history))]
    for row, (label, values) in enumerate(series.items()):
        body.append(_line(label, values, row))
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{"".join(body)}</svg>\n'


def _x(index: int, count: int) -> float:
    return LEFT + PLOT_WIDTH * (index + 0.5) / count


def _y(value: float) -> float:
    return TOP + PLOT_HEIGHT * (1 - value)


def _text(x: float, y: float, text: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{extra}>{escape(text)}</text>\n'


def _frame(name: str, count: int, top: float) -> str:
    """Draw the background, both scales and the numbers of the epochs."""
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n']
    parts.append(_text(LEFT, 20, f"{name}: precision@5 and loss by epoch"))
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        parts.append(f'<path d="M{LEFT} {y:.1f}h{PLOT_WIDTH}" stroke="#ddd"/>\n')
        parts.append(_text(LEFT - 8, y + 4, f"{tenth / 10:.1f}", ' text-anchor="end"'))
        parts.append(_text(WIDTH - LEFT + 8, y + 4, f"{top * tenth / 10:.2f}"))
    for index in range(0, count, -(-count // 15)):
        parts.append(_text(_x(index, count) - 4, HEIGHT - 20, str(index + 1)))
    return "".join(parts)


def _best(best: int, count: int) -> str:
    x = _x(best - 1, count)
    return f'<path d="M{x:.1f} {TOP}v{PLOT_HEIGHT}" stroke="#aaa" stroke-dasharray="2 3"/>\n'


def _line(label: str, values: Sequence[float | None], row: int) -> str:
    """Draw the measured values of a series and its entry in the legend."""
    points = [
        (_x(index, len(values)), _y(value))
        for index, value in enumerate(values)
        if value is not None
    ]
    dash = ' stroke-dasharray="6 4"' if label == "loss" else ""
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    colour = COLOURS[label]
    drawn = f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>\n'
    key = _text(LEFT + 100 * row, HEIGHT - 4, label.replace("_", " "), f' fill="{colour}"')
    return (drawn if points else "") + key
