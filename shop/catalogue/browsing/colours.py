"""Map the colour names of products to swatches."""

from __future__ import annotations

# Maps each tint to its colours. site.css fills the place of a picture with its tint while it loads,
# because the Content Security Policy allows no inline style.
TINTS = {
    "beige": {
        "beige": "#e3d5b8", "cream": "#f5ecd2", "nude": "#dcb99d", "off white": "#f4f1e8",
        "skin": "#e2b796", "tan": "#c19a6b", "khaki": "#a89a6c", "taupe": "#8a7b6e",
        "ivory": "#f6f0dc", "camel": "#b98d5e",
    },
    "grey": {
        "black": "#1b1b1d", "charcoal": "#3d4248", "grey": "#8d9197", "grey melange": "#a9adb2",
        "metallic": "#9aa0a6", "silver": "#c0c4c9", "steel": "#7c8791", "white": "#ffffff",
        "light grey": "#c9ccd1", "dark grey": "#55595f",
    },
    "brown": {
        "bronze": "#8c6239", "brown": "#6f4a32", "coffee brown": "#4b3325", "copper": "#b3673a",
        "mushroom brown": "#8f7d6a", "rust": "#a9502a",
    },
    "red": {
        "burgundy": "#6b1730", "coral": "#f0715c", "maroon": "#6d1a24", "red": "#c1272d",
        "wine": "#5e1626",
    },
    "pink": {
        "magenta": "#c2327e", "mauve": "#a3798f", "peach": "#f7bf9f", "pink": "#e88aa5",
        "rose": "#d4647c",
    },
    "yellow": {
        "apricot": "#f5b583", "gold": "#c9a03f", "mustard": "#cf9a2b", "orange": "#e5772a",
        "yellow": "#f1c933",
    },
    "green": {
        "fluorescent green": "#7dff3a", "green": "#2f8a4c", "lime green": "#9acd32",
        "olive": "#6b6b35", "sea green": "#2e8b72", "dark green": "#1f5233",
        "light green": "#a3d39c", "mint": "#a9dcc3",
    },
    "blue": {
        "blue": "#2f62b5", "navy": "#1d2a4f", "navy blue": "#1d2a4f", "teal": "#1f7a7d",
        "turquoise blue": "#30b6b8",
        "light blue": "#9cc3e6", "sky blue": "#7fb8e6", "dark blue": "#1f3566",
        "turquoise": "#30b6b8", "aqua": "#45c4d0",
    },
    "purple": {
        "lavender": "#b6a0d8", "purple": "#6d3f92", "violet": "#7a4fb5", "lilac": "#c3a9dc",
    },
}  # fmt: skip
HEX = {colour: code for colours in TINTS.values() for colour, code in colours.items()}
_TINT_OF = {colour: tint for tint, colours in TINTS.items() for colour in colours}


def hex_of(colour: str) -> str:
    """Return the colour as ``#rrggbb``, or an empty string for an unknown one or "multi"."""
    return HEX.get(colour.lower(), "")


def tint_of(colour: str) -> str:
    """Return the name of a colour's tint, or an empty string for a colour without a tint."""
    return _TINT_OF.get(colour.lower(), "")
