"""The columns that the import knows."""

from __future__ import annotations

KAGGLE_COLUMNS = (
    *("id", "gender", "masterCategory", "subCategory", "articleType"),
    *("baseColour", "season", "year", "usage", "productDisplayName"),
)
OPTIONAL = ("brand", "price", "currency", "stock", "description", "listed")
# Where they stand, a row is a variant, and rows of one id are the variants of one product.
VARIANT = ("sku", "size", "variantColour", "variantPrice")
# A category of any depth by its address; wins over the three names.
EXACT = ("categoryPath",)
# A category of any depth by its names: "Apparel > Topwear > Shirts". Wins over the three names.
NAMED = ("category",)
EXPORTED = (*KAGGLE_COLUMNS, *OPTIONAL, *VARIANT, *EXACT)
# Names of files of pictures.
IMAGE = "image"
FIELDS = (*EXPORTED, *NAMED, IMAGE)
KNOWN = {column.lower(): column for column in FIELDS} | {"images": IMAGE}
KEYS = ("sku", "id")
# What describes a product; the first row of an id says it.
DESCRIBING = (*KAGGLE_COLUMNS[1:], "brand", "currency", "description", "listed", *EXACT, *NAMED)
PRICES = ("price", "variantPrice")


def letter(position: int) -> str:
    """Return the name that spreadsheets give the column: A, B … Z, AA."""
    name = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        name = chr(65 + rest) + name
    return name
