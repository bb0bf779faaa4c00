"""Read the stored embeddings of the shop and search them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psycopg

from recommender.models import EmbeddingModel, ImageEmbedding, QueryPhoto

DIMENSIONS = 256
COUNT = "SELECT count(embedding) FROM {table}"
ALL = """COPY (SELECT image_id, product_id, duplicate_group, halfvec_send(embedding) FROM {table}
    WHERE embedding IS NOT NULL ORDER BY product_id, image_id) TO STDOUT (FORMAT BINARY)"""
CHUNK = 20_000


@dataclass(frozen=True)
class StoredEmbeddings:
    """Holds arrays with one row per image: image id, product id, duplicate group, embedding."""

    images: np.ndarray
    products: np.ndarray
    groups: np.ndarray
    vectors: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def read_embeddings(cursor: psycopg.Cursor, table: str) -> StoredEmbeddings:
    """Read all embeddings of a table; ``vectors`` is a float16 array (n, 256)."""
    (count,) = cursor.execute(COUNT.format(table=table)).fetchone() or (0,)
    images, products, groups = (np.empty(count, np.int64) for _column in range(3))
    vectors = np.empty((count, DIMENSIONS), np.float16)
    with cursor.copy(ALL.format(table=table)) as copy:
        copy.set_types(["int8", "int8", "int8", "bytea"])
        for row, (image, product, group, packed) in enumerate(copy.rows()):
            images[row], products[row], groups[row] = image, product, group
            vectors[row] = np.frombuffer(packed, ">f2", offset=4)
    return StoredEmbeddings(images, products, groups, vectors)


def embedded_photo(row: ImageEmbedding) -> QueryPhoto:
    """Create a query photo from an image of the shop and its stored embedding."""
    return QueryPhoto.objects.create(
        content=row.image.read(),
        width=row.image.width,
        height=row.image.height,
        embedding=row.embedding,
        whole_embedding=row.embedding,
        colour=row.colour,
        embedding_model=EmbeddingModel.objects.active(),
    )


def exact_nearest(
    vectors: np.ndarray, queries: np.ndarray, masks: Sequence[np.ndarray], keep: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each mask, return the ``keep`` rows nearest to each query, and their distances.

    A mask (n,) says which rows of ``vectors`` (n, 256) may be found. ``vectors`` and ``queries``
    (q, 256) have length 1. Rows and distances are arrays (q, keep); where a mask has fewer than
    ``keep`` rows, the remaining distances are infinite.
    """
    best = [
        (np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32))
        for _mask in masks
    ]
    for start in range(0, len(vectors), CHUNK):
        part = vectors[start : start + CHUNK].astype(np.float32)
        squared = 2 - 2 * queries @ part.T
        for number, mask in enumerate(masks):
            rows = np.flatnonzero(mask[start : start + CHUNK])
            best[number] = _merge(best[number], rows + start, squared[:, rows], keep)
    return [_sort(rows, squared, keep) for rows, squared in best]


def _merge(
    best: tuple[np.ndarray, np.ndarray], rows: np.ndarray, squared: np.ndarray, keep: int
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.concatenate([best[0], np.broadcast_to(rows, squared.shape)], axis=1)
    squared = np.concatenate([best[1], squared], axis=1)
    if squared.shape[1] <= keep:
        return rows, squared
    chosen = np.argpartition(squared, keep, axis=1)[:, :keep]
    return np.take_along_axis(rows, chosen, 1), np.take_along_axis(squared, chosen, 1)


def _sort(rows: np.ndarray, squared: np.ndarray, keep: int) -> tuple[np.ndarray, np.ndarray]:
    missing = keep - squared.shape[1]
    rows = np.pad(rows, ((0, 0), (0, missing)))
    squared = np.pad(squared, ((0, 0), (0, missing)), constant_values=np.inf)
    order = np.argsort(squared, axis=1)
    ordered = np.take_along_axis(squared, order, 1)
    return np.take_along_axis(rows, order, 1), np.sqrt(np.maximum(0, ordered))
