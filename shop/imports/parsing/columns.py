"""Define the columns that the import recognises."""

from __future__ import annotations

KAGGLE_COLUMNS = (
    *("id", "gender", "masterCategory", "subCategory", "articleType"),
    *("baseColour", "season", "year", "usage", "productDisplayName"),
)
OPTIONAL = ("brand", "price", "currency", "stock", "description", "listed")
# With these columns, each row is a variant, and rows with the same id are variants of one product.
VARIANT = ("sku", "size", "variantColour", "variantPrice")
# The path of a category of any depth. It takes precedence over the three category columns.
CATEGORY_PATH = ("categoryPath",)
# The names of a category of any depth, such as "Apparel > Topwear > Shirts". This takes precedence
# over the three category columns, too.
CATEGORY = ("category",)
EXPORTED = (*KAGGLE_COLUMNS, *OPTIONAL, *VARIANT, *CATEGORY_PATH)
# The file names or URLs of pictures.
IMAGE = "image"
FIELDS = (*EXPORTED, *CATEGORY, IMAGE)
KNOWN = {column.lower(): column for column in FIELDS} | {"images": IMAGE}
KEYS = ("sku", "id")
# These columns describe a product, so only the first row with its id counts for them.
DESCRIBING = (
    *KAGGLE_COLUMNS[1:],
    *("brand", "currency", "description", "listed"),
    *CATEGORY_PATH,
    *CATEGORY,
)
PRICES = ("price", "variantPrice")


def letter(position: int) -> str:
    """Return the letters of a column in a spreadsheet: A, B … Z, AA."""
    name = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        name = chr(65 + rest) + name
    return name
