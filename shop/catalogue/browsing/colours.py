"""Map the colour names of products to swatches."""

from __future__ import annotations

HEX = {
    "apricot": "#f5b583", "aqua": "#45c4d0", "beige": "#e3d5b8", "black": "#1b1b1d",
    "blue": "#2f62b5", "bronze": "#8c6239", "brown": "#6f4a32", "burgundy": "#6b1730",
    "camel": "#b98d5e", "charcoal": "#3d4248", "coffee brown": "#4b3325", "copper": "#b3673a",
    "coral": "#f0715c", "cream": "#f5ecd2", "dark blue": "#1f3566", "dark green": "#1f5233",
    "dark grey": "#55595f", "fluorescent green": "#7dff3a", "gold": "#c9a03f", "green": "#2f8a4c",
    "grey": "#8d9197", "grey melange": "#a9adb2", "ivory": "#f6f0dc", "khaki": "#a89a6c",
    "lavender": "#b6a0d8", "light blue": "#9cc3e6", "light green": "#a3d39c",
    "light grey": "#c9ccd1", "lilac": "#c3a9dc", "lime green": "#9acd32", "magenta": "#c2327e",
    "maroon": "#6d1a24", "mauve": "#a3798f", "metallic": "#9aa0a6", "mint": "#a9dcc3",
    "mushroom brown": "#8f7d6a", "mustard": "#cf9a2b", "navy blue": "#1d2a4f", "nude": "#dcb99d",
    "off white": "#f4f1e8", "olive": "#6b6b35", "orange": "#e5772a", "peach": "#f7bf9f",
    "pink": "#e88aa5", "purple": "#6d3f92", "red": "#c1272d", "rose": "#d4647c", "rust": "#a9502a",
    "sea green": "#2e8b72", "silver": "#c0c4c9", "skin": "#e2b796", "sky blue": "#7fb8e6",
    "steel": "#7c8791", "tan": "#c19a6b", "taupe": "#8a7b6e", "teal": "#1f7a7d",
    "turquoise": "#30b6b8", "turquoise blue": "#30b6b8", "violet": "#7a4fb5", "white": "#ffffff",
    "wine": "#5e1626", "yellow": "#f1c933",
}  # fmt: skip

# site.css fills the place of a picture with one of these tints while it loads. Each tint serves
# several colours, because the exact colour would need an inline style, which is not allowed.
TINTS = {
    "beige": ("beige", "cream", "nude", "off white", "skin", "tan", "khaki", "taupe", "ivory",
        "camel"),
    "grey": ("black", "charcoal", "grey", "grey melange", "metallic", "silver", "steel", "white",
        "light grey", "dark grey"),
    "brown": ("bronze", "brown", "coffee brown", "copper", "mushroom brown", "rust"),
    "red": ("burgundy", "coral", "maroon", "red", "wine"),
    "pink": ("magenta", "mauve", "peach", "pink", "rose"),
    "yellow": ("apricot", "gold", "mustard", "orange", "yellow"),
    "green": ("fluorescent green", "green", "lime green", "olive", "sea green", "dark green",
        "light green", "mint"),
    "blue": ("blue", "navy blue", "teal", "turquoise blue", "light blue", "sky blue",
        "dark blue", "turquoise", "aqua"),
    "purple": ("lavender", "purple", "violet", "lilac"),
}  # fmt: skip
_TINT_OF = {colour: tint for tint, colours in TINTS.items() for colour in colours}


def hex_of(colour: str) -> str:
    """Return the colour as ``#rrggbb``, or an empty string for an unknown one or "multi"."""
    return HEX.get(colour.lower(), "")


def tint_of(colour: str) -> str:
    """Return the name of a colour's tint, or an empty string for a colour without a tint."""
    return _TINT_OF.get(colour.lower(), "")
