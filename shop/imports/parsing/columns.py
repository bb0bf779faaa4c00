"""The columns that the import recognises."""

from __future__ import annotations

KAGGLE_COLUMNS = (
    *("id", "gender", "masterCategory", "subCategory", "articleType"),
    *("baseColour", "season", "year", "usage", "productDisplayName"),
)
OPTIONAL = ("brand", "price", "currency", "stock", "description", "listed")
# With these columns a row is a variant, and rows with the same id are variants of one product.
VARIANT = ("sku", "size", "variantColour", "variantPrice")
# A category of any depth by its path; takes precedence over the three category columns.
CATEGORY_PATH = ("categoryPath",)
# A category of any depth by its names, such as "Apparel > Topwear > Shirts"; also takes precedence.
CATEGORY = ("category",)
EXPORTED = (*KAGGLE_COLUMNS, *OPTIONAL, *VARIANT, *CATEGORY_PATH)
# File names or URLs of pictures.
IMAGE = "image"
FIELDS = (*EXPORTED, *CATEGORY, IMAGE)
KNOWN = {column.lower(): column for column in FIELDS} | {"images": IMAGE}
KEYS = ("sku", "id")
# These describe a product, so that only the first row of an id counts for them.
DESCRIBING = (
    *KAGGLE_COLUMNS[1:],
    *("brand", "currency", "description", "listed"),
    *CATEGORY_PATH,
    *CATEGORY,
)
PRICES = ("price", "variantPrice")


def letter(position: int) -> str:
    """Return the letters by which spreadsheets name the column: A, B … Z, AA."""
    name = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        name = chr(65 + rest) + name
    return name
