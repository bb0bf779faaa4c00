"""The first values of a stored vector, a sketch of the whole: recommender.rotation says why."""

from __future__ import annotations

from django.db.models import F, Func, GeneratedField
from django.db.models.functions import Cast
from pgvector.django import HalfVectorField

SKETCH_DIMENSIONS = 256


def sketch_of(column: str) -> GeneratedField:
    """``subvector(column, 1, 256)::halfvec(256)``, stored in the row: 516 bytes, never out of line.

    The HNSW index holds it, and comparing by it without the index reads no whole vector.
    """
    values = HalfVectorField(dimensions=SKETCH_DIMENSIONS, null=True)
    start = Func(F(column), 1, SKETCH_DIMENSIONS, function="subvector")
    return GeneratedField(expression=Cast(start, values), output_field=values, db_persist=True)
