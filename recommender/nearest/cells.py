"""Cells of the vector space, for searches with filters.

The way of an inverted file (Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor
Search", 2011): each vector belongs to the nearest of about √n centres, and a search looks through
the cells in the order of their centres. What filters ask of a product lies beside the cell, in
one index for each, so that a cell is left at once where nothing passes.

The centres are those of k-means on sketches of pictures that the hash of their files chooses. With
them half as many pictures need be compared as with pictures as centres (ADR 11).
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from numpy.typing import NDArray

from recommender.models import Cell, EmbeddingModel, Placement
from recommender.nearest.candidates import SMALL
from recommender.rotation import Vectors, read_halfvecs

# One cell for each √n pictures; chosen anew when there are so many times as many pictures.
GROWTH = 1.5
SAMPLE, ROUNDS = 32, 10  # pictures a cell, rounds of k-means
CHUNK = 4096
BATCH = 2000
REST = timedelta(hours=1)

DRAW = """
SELECT halfvec_send({sketch}) FROM (
    SELECT DISTINCT ON (file) file, {sketch} FROM catalogue_productimage
    WHERE {sketch} IS NOT NULL ORDER BY file LIMIT %s) AS drawn"""
# Those that somebody is writing wait for the next round.
MOVE = """
WITH batch AS MATERIALIZED (
    SELECT placed.image_id, image.{sketch} AS sketch FROM recommender_placement AS placed
    JOIN catalogue_productimage AS image ON image.id = placed.image_id
    WHERE placed.slot = %(slot)s AND {of_cell} AND image.{sketch} IS NOT NULL
    LIMIT %(batch)s FOR UPDATE OF placed SKIP LOCKED)
UPDATE recommender_placement AS placed SET cell_id = (
    SELECT id FROM recommender_cell AS cell WHERE cell.model_id = %(model)s AND retired IS NULL
    ORDER BY cell.centre <-> batch.sketch LIMIT 1)
FROM batch WHERE placed.image_id = batch.image_id AND placed.slot = %(slot)s"""
OF_CELL = (
    "placed.cell_id IS NULL",
    "placed.cell_id IN (SELECT id FROM recommender_cell WHERE retired IS NOT NULL)",
)
MEND = """
UPDATE recommender_placement AS placed SET available = product.listed AND product.stock > 0,
    gender = product.gender, base_colour = product.base_colour,
    category_id = product.category_id, price = product.price
FROM catalogue_product AS product WHERE product.id = placed.product_id AND
    (placed.available, placed.gender, placed.base_colour, placed.category_id, placed.price)
    IS DISTINCT FROM (product.listed AND product.stock > 0, product.gender, product.base_colour,
        product.category_id, product.price)"""


def divide(model: EmbeddingModel, seconds: float | None = None) -> bool:
    """Give every vector of the model its cell, for about ``seconds``. Whether some is left.

    Searches go on meanwhile: the old cells are there until their last picture has moved.
    """
    stop = None if seconds is None else time.monotonic() + seconds
    if not _choose(model):
        return False
    for of_cell in OF_CELL:
        while _move(model, of_cell):
            if stop is not None and time.monotonic() > stop:
                return True
    # Until then somebody may be writing a vector who does not know that a cell retired.
    long_ago = Cell.objects.filter(retired__lt=timezone.now() - REST)
    long_ago.filter(placements=None).delete()
    return False


def _choose(model: EmbeddingModel) -> bool:
    """New cells if there are too few. Whether there are any."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE recommender_cell IN SHARE ROW EXCLUSIVE MODE")
        pictures = Placement.objects.filter(slot=model.slot).count()
        cells = model.cells.filter(retired=None).count()
        if pictures < SMALL or pictures <= GROWTH * cells**2:
            return cells > 0
        of_column = Cell.objects.filter(model__slot=model.slot, retired=None)
        of_column.update(retired=timezone.now())
        wanted = round(pictures**0.5)
        cursor.execute(DRAW.format(sketch=model.sketch), [SAMPLE * wanted])
        chosen = k_means(read_halfvecs(row for (row,) in cursor.fetchall()), wanted)
        Cell.objects.bulk_create(Cell(model=model, centre=centre.tolist()) for centre in chosen)
    return True


def k_means(points: Vectors, cells: int) -> Vectors:
    """(n, d) -> (cells, d), or (n, d) if that is fewer: Lloyd's algorithm from the first points."""
    centres = points[:cells].copy()
    for _round in range(ROUNDS):
        nearest = _nearest(points, centres)
        counts = np.bincount(nearest, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, points)
        # One that is nearest to nothing stays where it was.
        some = counts > 0
        centres[some] = sums[some] / counts[some, None]
    return centres


def _nearest(points: Vectors, centres: Vectors) -> NDArray[np.intp]:
    lengths = (centres**2).sum(axis=1)
    parts = [points[start : start + CHUNK] for start in range(0, len(points), CHUNK)]
    found = [(lengths - 2 * part @ centres.T).argmin(axis=1) for part in parts]
    return np.concatenate(found)


def _move(model: EmbeddingModel, of_cell: str) -> int:
    values: dict[str, Any] = {"model": model.pk, "slot": model.slot, "batch": BATCH}
    with connection.cursor() as cursor:
        cursor.execute(MOVE.format(sketch=model.sketch, of_cell=of_cell), values)
        return int(cursor.rowcount)


def mend() -> int:
    """Say of each picture what is so of its product. Returns how many were told wrongly."""
    with connection.cursor() as cursor:
        cursor.execute(MEND)
        return int(cursor.rowcount)
