"""Build the SQL of the triggers that maintain the tables of embeddings."""

from __future__ import annotations

SLOTS = ("blue", "green")
TABLE = "recommender_embedding_{slot}"
IN_USE = """EXISTS (SELECT FROM recommender_embeddingmodel AS model
        WHERE model.slot = '{slot}' AND model.state IN ('active', 'filling', 'previous'))"""
# The columns that searches filter by, and their values for a row of ``catalogue_product``.
COLUMNS = "product_id, category_id, gender, base_colour, available"
VALUES = """product.id, product.category_id, product.gender, product.base_colour,
    product.listed AND product.stock > 0"""
INSERT = """
INSERT INTO {table} (image_id, {columns})
SELECT image.id, {values}
FROM {images} AS image JOIN catalogue_product AS product ON product.id = image.product_id
WHERE {in_use} ON CONFLICT (image_id) DO NOTHING"""
EMPTY = """embedding = NULL, colour = NULL, duplicate_group = NULL,
    status = 'pending', attempts = 0, claimed_until = NULL, failure = ''"""


def insert_missing(slot: str, images: str = "catalogue_productimage") -> str:
    """Return SQL that adds the missing rows of ``images`` to the slot's table, if it is in use."""
    return INSERT.format(
        table=TABLE.format(slot=slot),
        columns=COLUMNS,
        values=VALUES,
        images=images,
        in_use=IN_USE.format(slot=slot),
    )


def correct_stale(slot: str) -> str:
    """Return SQL that corrects product columns where the triggers missed a change."""
    return f"""
UPDATE {TABLE.format(slot=slot)} AS embedded SET ({COLUMNS}) = ROW ({VALUES})
FROM catalogue_productimage AS image
JOIN catalogue_product AS product ON product.id = image.product_id
WHERE embedded.image_id = image.id AND ({_columns_of("embedded")}) IS DISTINCT FROM ({VALUES})"""  # noqa: S608 - names of ours


def _columns_of(table: str) -> str:
    return ", ".join(f"{table}.{column.strip()}" for column in COLUMNS.split(","))


def _for_both_tables(statement: str) -> str:
    """Return the body of a trigger that runs the statement on each table."""
    names = {"columns": COLUMNS, "values": VALUES, "empty": EMPTY}
    both = [statement.format(table=TABLE.format(slot=slot), **names) for slot in SLOTS]
    return "; ".join([*both, "RETURN NULL;"])


ADD = "; ".join([*(insert_missing(slot, "new_rows") for slot in SLOTS), "RETURN NULL;"])
# A duplicate group has the id of its first image. If that image leaves the group because its file
# changes, the group takes the id of the next image.
RESET = _for_both_tables(
    """UPDATE {table} SET duplicate_group = (SELECT min(copy.image_id) FROM {table} AS copy
        WHERE copy.duplicate_group = NEW.id AND copy.duplicate_group <> copy.image_id)
    WHERE duplicate_group = NEW.id AND duplicate_group <> image_id;
    UPDATE {table} SET {empty} WHERE image_id = NEW.id"""
)
MOVE = _for_both_tables(
    """UPDATE {table} AS embedded SET ({columns}) = ROW ({values})
    FROM catalogue_product AS product
    WHERE product.id = NEW.product_id AND embedded.image_id = NEW.id"""
)
DESCRIPTION_CHANGED = """(
    (OLD.category_id, OLD.gender, OLD.base_colour, OLD.listed AND OLD.stock > 0)
    IS DISTINCT FROM
    (NEW.category_id, NEW.gender, NEW.base_colour, NEW.listed AND NEW.stock > 0))"""
DESCRIBE = _for_both_tables(
    """UPDATE {table} SET category_id = NEW.category_id, gender = NEW.gender,
        base_colour = NEW.base_colour, available = NEW.listed AND NEW.stock > 0
    WHERE product_id = NEW.id"""
)
