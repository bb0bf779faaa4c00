"""The vectors of many pictures, kept so that a further row need not embed the others again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.evaluation.datasets import Picture, Progress, digest_of
from recommender.evaluation.vectorizers import Vectorizer, Vectors, normalised

BATCH = 64
# Pictures in one file; a run that stops loses fewer than these.
CHUNK = 64 * BATCH


def vectors_of(vectorizer: Vectorizer, pictures: Sequence[Picture], progress: Progress) -> Vectors:
    """Return (n, d) vectors of length 1, from the disk where they were computed before.

    Kept in half precision, as the shop keeps its own.
    """
    parts = []
    for start in range(0, len(pictures), CHUNK):
        parts.append(
            _chunk(vectorizer, pictures[start : start + CHUNK], start, len(pictures), progress)
        )
    return normalised(np.concatenate(parts).astype(np.float32))


def _chunk(
    vectorizer: Vectorizer, pictures: Sequence[Picture], before: int, total: int, progress: Progress
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
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.stem}.{os.getpid()}.npy")
    try:
        np.save(new, vectors)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
