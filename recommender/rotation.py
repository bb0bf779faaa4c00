"""A fixed rotation after which the first values of a vector are a sketch of all of it.

A rotation keeps every L2 distance. This one, a randomised Hadamard transform, spreads each
feature evenly over all values, so that the distance of the first 256 values estimates the whole
one (Ailon and Chazelle, "The Fast Johnson-Lindenstrauss Transform", 2009). The index holds only
those 256, and the best few dozen are ordered again by all 2,048. On 43,941 real pictures 99.96 %
of the true five were in the best 40 of the sketch (500 searches) and all in the best 60; the
index takes a tenth of the memory of one on 2,048 values. It needs no data, so it is the same for
every model.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from shop.catalogue.models import VECTOR_DIMENSIONS

Vectors = NDArray[np.float32]
SEED = 2048


def read_halfvecs(rows: Iterable[bytes]) -> Vectors:
    """Return (n, d) from what PostgreSQL's ``halfvec_send`` gives for each vector.

    Two 16-bit numbers, then big-endian halves. pgvector's ``HalfVector.from_binary`` reads them too
    and takes 1.6 times as long, on pages that read hundreds.
    """
    return np.stack([np.frombuffer(row, ">f2", offset=4) for row in rows]).astype(np.float32)


@cache
def _signs() -> Vectors:
    bits = np.random.Generator(np.random.PCG64(SEED)).integers(0, 2, VECTOR_DIMENSIONS)
    return (bits * 2 - 1).astype(np.float32)


def rotate(vectors: Vectors) -> Vectors:
    """(n, 2048) -> (n, 2048) with the same lengths and distances."""
    result = vectors.astype(np.float32) * _signs()
    half = 1
    while half < VECTOR_DIMENSIONS:
        pairs = result.reshape(-1, VECTOR_DIMENSIONS // (2 * half), 2, half)
        total, difference = pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]
        result = np.stack((total, difference), axis=2).reshape(vectors.shape)
        half *= 2
    rotated: Vectors = result / np.float32(np.sqrt(VECTOR_DIMENSIONS))
    return rotated
