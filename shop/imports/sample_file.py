"""Provide a small example of a table that staff can import."""

from __future__ import annotations

from shop.imports.parsing.columns import IMAGE, KAGGLE_COLUMNS, OPTIONAL

_SHIRT = ("Women", "Apparel", "Topwear", "Shirts", "White", "Summer", "2026", "Casual")
_SHIRT_SOLD = ("Linen Shirt", "Northwind", "49.90", "EUR")
_BAG = ("Unisex", "Accessories", "Bags", "Totes", "Black", "", "", "Casual")
_BAG_SOLD = ("Canvas Tote", "Northwind", "35.00", "EUR")
# One product with two sizes, and one without sizes.
SAMPLE: tuple[tuple[str, ...], ...] = (
    (*KAGGLE_COLUMNS, *OPTIONAL, "sku", "size", IMAGE),
    ("S-1", *_SHIRT, *_SHIRT_SOLD, "4", "Soft linen.", "yes", "S-1-S", "S", "S-1.jpg|S-1-2.jpg"),
    ("S-1", *_SHIRT, *_SHIRT_SOLD, "7", "", "", "S-1-M", "M", ""),
    ("S-2", *_BAG, *_BAG_SOLD, "12", "Sturdy canvas.", "no", "S-2", "", "S-2.jpg"),
)
