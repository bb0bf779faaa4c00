"""Pictures that are (almost) the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

from recommender.models import EmbeddingModel
from recommender.nearest.five import SAME
from recommender.nearest.several import PLAN

# Each picture's copies through the index, so that a batch costs what its searches do.
COPIES = """
SELECT one.id, near.id, near.distance
FROM catalogue_productimage AS one CROSS JOIN LATERAL (
    SELECT id, product_id, {column} <-> one.{column} AS distance
    FROM catalogue_productimage WHERE {column} IS NOT NULL
    ORDER BY {sketch} <-> one.{sketch} LIMIT 20) AS near
WHERE one.id = ANY(%(ids)s) AND one.{column} IS NOT NULL
    AND near.product_id <> one.product_id AND near.distance < %(same)s
"""


def copies_of(model: EmbeddingModel, image_ids: Iterable[int]) -> list[tuple[int, int, float]]:
    """Picture, a copy of it at another product, and their distance; up to 19 a picture."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PLAN)
        values: dict[str, Any] = {"ids": list(image_ids), "same": SAME}
        cursor.execute(COPIES.format(column=model.column, sketch=model.sketch), values)
        return list(cursor.fetchall())
