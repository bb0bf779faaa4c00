"""A small table that shows staff what a file for the upload may hold."""

from __future__ import annotations

from shop.imports.parsing.columns import IMAGE, KAGGLE_COLUMNS, OPTIONAL

_SHIRT = ("Women", "Apparel", "Topwear", "Shirts", "White", "Summer", "2026", "Casual")
_SHIRT_SOLD = ("Linen Shirt", "Northwind", "49.90", "EUR")
_BAG = ("Unisex", "Accessories", "Bags", "Totes", "Black", "", "", "Casual")
_BAG_SOLD = ("Canvas Tote", "Northwind", "35.00", "EUR")
# A product of two sizes, and one that has none.
SAMPLE: tuple[tuple[str, ...], ...] = (
    (*KAGGLE_COLUMNS, *OPTIONAL, "sku", "size", IMAGE),
    ("S-1", *_SHIRT, *_SHIRT_SOLD, "4", "Soft linen.", "yes", "S-1-S", "S", "S-1.jpg|S-1-2.jpg"),
    ("S-1", *_SHIRT, *_SHIRT_SOLD, "7", "", "", "S-1-M", "M", ""),
    ("S-2", *_BAG, *_BAG_SOLD, "12", "Sturdy canvas.", "no", "S-2", "", "S-2.jpg"),
)
