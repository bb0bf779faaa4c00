"""Draw intervals and counts as inline SVG, in the colours of the page around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from recommender.evaluation.metrics import Estimate

WIDTH, LEFT, RIGHT, ROW, TOP = 420, 132, 62, 26, 8
PLOT = WIDTH - LEFT - RIGHT


def draw_intervals(title: str, rows: Mapping[str, Estimate], main: str) -> str:
    """Draw the estimate and interval of each row on a scale from 0 to 1; emphasise the main row."""
    height = TOP + ROW * len(rows) + 24
    body = [_scale(TOP + ROW * len(rows))]
    for number, (name, row) in enumerate(rows.items()):
        y = TOP + ROW * (number + 0.5)
        body.append(f'<g class="{"main" if name == main else "row"}">{_interval(name, row, y)}</g>')
    description = ", ".join(f"{name} {row.value:.3f}" for name, row in rows.items())
    return _svg(f"{title}: {description}", WIDTH, height, body)


def _interval(name: str, row: Estimate, y: float) -> str:
    low, value, high = (_x(each) for each in (row.low, row.value, row.high))
    return (
        _text(LEFT - 10, y + 4, name, "end")
        + f'<path d="M{low:.1f} {y:.1f}H{high:.1f}" class="interval"/>'
        + f'<circle cx="{value:.1f}" cy="{y:.1f}" r="4.5"/>'
        + _text(WIDTH - RIGHT + 14, y + 4, f"{row.value:.3f}")
    )


def _scale(bottom: int) -> str:
    parts = []
    for step in range(0, 11, 2):
        x = _x(step / 10)
        parts.append(f'<path d="M{x:.1f} {TOP}V{bottom}" class="grid"/>')
        parts.append(_text(x, bottom + 16, f"{step / 10:g}", "middle"))
    return "".join(parts)


def draw_counts(title: str, counts: Sequence[int]) -> str:
    """Draw a bar chart of the number of queries with 0, 1, … right neighbours."""
    width, height, bottom = WIDTH, 190, 150
    slot, top = width / len(counts), max(*counts, 1)
    body = [f'<path d="M0 {bottom}H{width}" class="grid"/>']
    for number, times in enumerate(counts):
        tall = (bottom - 26) * times / top
        x = slot * (number + 0.5)
        body.append(
            f'<rect x="{x - slot * 0.32:.1f}" y="{bottom - tall:.1f}" width="{slot * 0.64:.1f}" '
            f'height="{tall:.1f}" class="column"/>'
        )
        body.append(_text(x, bottom - tall - 7, f"{times:,}", "middle"))
        body.append(_text(x, bottom + 20, f"{number} of {len(counts) - 1}", "middle"))
    description = ", ".join(f"{number} right: {times}" for number, times in enumerate(counts))
    return _svg(f"{title}: {description}", width, height, body)


def _svg(label: str, width: int, height: int, body: Sequence[str]) -> str:
    start = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
    return f"{start}{''.join(body)}</svg>"


def _x(value: float) -> float:
    return LEFT + PLOT * value


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
