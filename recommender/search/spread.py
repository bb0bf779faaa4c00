"""Measure the spread of a model, the unit in which thresholds of distance are given."""

from __future__ import annotations

from django.db import connection

from recommender.models import EmbeddingModel

SAMPLE = 500
# Ordered by file name, which is a hash, so that the sample is random but reproducible.
SPREAD = """
SELECT count(fifth.distance), percentile_cont(0.5) WITHIN GROUP (ORDER BY fifth.distance ^ 2 / 2)
FROM (
    SELECT embedded.product_id, embedded.embedding FROM {table} AS embedded
    JOIN catalogue_productimage AS image ON image.id = embedded.image_id
    WHERE embedded.embedding IS NOT NULL ORDER BY image.file, image.id LIMIT %s) AS sampled
CROSS JOIN LATERAL (
    SELECT other.embedding <-> sampled.embedding AS distance FROM {table} AS other
    WHERE other.embedding IS NOT NULL AND other.product_id <> sampled.product_id
    ORDER BY other.embedding <-> sampled.embedding OFFSET 4 LIMIT 1) AS fifth
"""


def measure_spread(model: EmbeddingModel, default: float) -> float:
    """Return the median of half the squared L2 distance to the fifth neighbour.

    Returns ``default`` for a catalogue of fewer than ``SAMPLE`` images.
    """
    with connection.cursor() as cursor:
        cursor.execute(SPREAD.format(table=model.table), [SAMPLE])
        count, spread = cursor.fetchone()
    return float(spread) if count == SAMPLE and spread else default
