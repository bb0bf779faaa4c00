"""Define the colours of the demo catalogue, by their names in the fashion dataset."""

from __future__ import annotations

from functools import cache

COLOURS: dict[str, str] = {
    "Black": "#2b2c31",
    "White": "#f8f7f3",
    "Off White": "#efe9dc",
    "Grey": "#9b9ea3",
    "Charcoal": "#4d5157",
    "Blue": "#3f74c4",
    "Light Blue": "#9cc3e6",
    "Navy Blue": "#25345c",
    "Teal": "#1f7f83",
    "Turquoise Blue": "#3fb6bd",
    "Green": "#3c8a55",
    "Sea Green": "#86bfa3",
    "Olive": "#77783f",
    "Khaki": "#b5a778",
    "Yellow": "#efc544",
    "Mustard": "#cf9a2e",
    "Orange": "#e57c36",
    "Rust": "#b4532f",
    "Red": "#c8313a",
    "Maroon": "#742534",
    "Pink": "#eda7b8",
    "Magenta": "#c53a80",
    "Peach": "#f4bd9d",
    "Purple": "#74509e",
    "Lavender": "#b7a5d6",
    "Brown": "#7b5239",
    "Tan": "#bf8c58",
    "Beige": "#d9c6a5",
    "Cream": "#f3e8cd",
    "Silver": "#c3c7cc",
    "Gold": "#d2ab5c",
}


def hex_of(colour: str) -> str:
    """Return the `#rrggbb` of a colour name. Raises ``KeyError`` for an unknown name."""
    return COLOURS[colour]


def channels(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of `#rrggbb`, each 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@cache
def mix(first: str, second: str, share: float) -> str:
    """Return `first` with `share` (0 to 1) of `second` mixed in."""
    pairs = zip(channels(first), channels(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


@cache
def brightness(colour: str) -> float:
    """Return the perceived brightness of `#rrggbb`, 0 (black) to 1 (white)."""
    red, green, blue = channels(colour)
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def lighter(colour: str, share: float = 0.25) -> str:
    """Return the colour with `share` (0 to 1) of white mixed in."""
    return mix(colour, "#ffffff", share)


def darker(colour: str, share: float = 0.25) -> str:
    """Return the colour with `share` (0 to 1) of a warm black mixed in."""
    return mix(colour, "#17161a", share)


def ink(colour: str, strength: float = 0.45) -> str:
    """Return a seam's colour for cloth of this colour: darker, or lighter on nearly black cloth."""
    if brightness(colour) < 0.24:
        return lighter(colour, strength * 0.5)
    return darker(colour, strength)


def thread(colour: str) -> str:
    """Return the colour of a visible stitch on cloth of this colour, with little contrast."""
    return lighter(colour, 0.35) if brightness(colour) < 0.5 else darker(colour, 0.3)
