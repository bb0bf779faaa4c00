"""Cache the vectors of pictures on disk, so that another evaluation need not compute them again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.evaluation.datasets import LabelledPicture, Progress, digest_of
from recommender.evaluation.vectorizers import Vectorizer, Vectors, normalised

BATCH = 64
# Number of pictures in one file of the cache. An interrupted run loses fewer vectors than that.
CHUNK = 64 * BATCH


def vectors_of(
    vectorizer: Vectorizer, pictures: Sequence[LabelledPicture], progress: Progress
) -> Vectors:
    """Return unit vectors (n, d), from the cache if they were computed before.

    The vectors are rounded to half precision, in which the shop stores its vectors too.
    """
    parts = []
    for start in range(0, len(pictures), CHUNK):
        parts.append(
            _chunk(vectorizer, pictures[start : start + CHUNK], start, len(pictures), progress)
        )
    return normalised(np.concatenate(parts).astype(np.float32))


def _chunk(
    vectorizer: Vectorizer,
    pictures: Sequence[LabelledPicture],
    before: int,
    total: int,
    progress: Progress,
) -> NDArray[np.float16]:
    folder = Path(settings.VAR_DIR) / "evaluation" / "vectors"
    path = folder / f"{vectorizer.key}-{digest_of(pictures)[:16]}.npy"
    if not path.exists():
        parts = []
        for start in range(0, len(pictures), BATCH):
            batch = pictures[start : start + BATCH]
            parts.append(vectorizer.vectors([picture.read() for picture in batch]))
            progress(vectorizer.name, before + start + len(batch), total)
        _save(path, np.concatenate(parts).astype(np.float16))
    kept: NDArray[np.float16] = np.load(path)
    return kept


def _save(path: Path, vectors: NDArray[np.float16]) -> None:
    """Write the file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.stem}.{os.getpid()}.npy")
    try:
        np.save(new, vectors)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
