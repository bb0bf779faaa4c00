"""The vectors that the shop holds, and the truth about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import psycopg

COUNT = "SELECT count({column}) FROM catalogue_productimage"
ALL = """COPY (SELECT id, product_id, halfvec_send({column}) FROM catalogue_productimage
    WHERE {column} IS NOT NULL ORDER BY product_id, position, id) TO STDOUT (FORMAT BINARY)"""
CHUNK = 20_000


def stored(
    cursor: psycopg.Cursor, column: str = "embedding_blue"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each picture: id (n,), product's id (n,), rotated float16 vector (n, 2048)."""
    (count,) = cursor.execute(COUNT.format(column=column)).fetchone() or (0,)
    ids, products = np.empty(count, np.int64), np.empty(count, np.int64)
    vectors = np.empty((count, 2048), np.float16)
    with cursor.copy(ALL.format(column=column)) as copy:
        copy.set_types(["int8", "int8", "bytea"])
        for row, (image, product, packed) in enumerate(copy.rows()):
            ids[row], products[row] = image, product
            vectors[row] = np.frombuffer(packed, ">f2", offset=4)
    return ids, products, vectors


def nearest_of(
    vectors: np.ndarray, queries: np.ndarray, masks: Sequence[np.ndarray], keep: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each mask (n,): rows (q, keep) of the nearest that it lets pass, and their distances.

    The vectors (n, 2048) have length 1; where fewer pass, distances are infinite.
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
            best[number] = _merged(best[number], rows + start, squared[:, rows], keep)
    return [_sorted(rows, squared, keep) for rows, squared in best]


def _merged(
    best: tuple[np.ndarray, np.ndarray], rows: np.ndarray, squared: np.ndarray, keep: int
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.concatenate([best[0], np.broadcast_to(rows, squared.shape)], axis=1)
    squared = np.concatenate([best[1], squared], axis=1)
    if squared.shape[1] <= keep:
        return rows, squared
    chosen = np.argpartition(squared, keep, axis=1)[:, :keep]
    return np.take_along_axis(rows, chosen, 1), np.take_along_axis(squared, chosen, 1)


def _sorted(rows: np.ndarray, squared: np.ndarray, keep: int) -> tuple[np.ndarray, np.ndarray]:
    missing = keep - squared.shape[1]
    rows = np.pad(rows, ((0, 0), (0, missing)))
    squared = np.pad(squared, ((0, 0), (0, missing)), constant_values=np.inf)
    order = np.argsort(squared, axis=1)
    ordered = np.take_along_axis(squared, order, 1)
    return np.take_along_axis(rows, order, 1), np.sqrt(np.maximum(0, ordered))
