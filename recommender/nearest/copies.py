"""Pictures that are (almost) the same."""

from __future__ import annotations

from django.db import connection, transaction

from recommender.models import EmbeddingModel
from recommender.nearest.five import SAME
from recommender.nearest.several import PLAN

# Each picture's copies through the index, so that a batch costs what its searches do.
COPIES = """
SELECT one.product_id, near.product_id, near.distance
FROM catalogue_productimage AS one CROSS JOIN LATERAL (
    SELECT product_id, {column} <-> one.{column} AS distance
    FROM catalogue_productimage WHERE {column} IS NOT NULL
    ORDER BY subvector({column}, 1, 256)::halfvec(256)
        <-> subvector(one.{column}, 1, 256)::halfvec(256) LIMIT 20) AS near
WHERE one.id = ANY(%(ids)s) AND one.{column} IS NOT NULL
    AND near.product_id <> one.product_id AND near.distance < %(same)s
"""


def copies_of(image_ids: list[int]) -> list[tuple[int, int, float]]:
    """Product, another product whose picture is a copy, and their distance; up to 19 a picture."""
    column = EmbeddingModel.objects.active().column
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PLAN)
        cursor.execute(COPIES.format(column=column), {"ids": image_ids, "same": SAME})
        return list(cursor.fetchall())
