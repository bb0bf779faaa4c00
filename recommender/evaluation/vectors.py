"""The vectors of many pictures, kept so that a further row need not embed the others again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.conf import settings

from recommender.evaluation.galleries import Picture, Progress
from recommender.evaluation.ways import Projection, Vectors, Way, normalised

BATCH = 64


def vectors_of(way: Way, pictures: Sequence[Picture], digest: str, progress: Progress) -> Vectors:
    """(n, d), of length 1, from the disk if these pictures went this way before.

    ``digest`` is of the pictures' bytes. Kept in half precision, as the shop keeps its own.
    """
    if isinstance(way, Projection):
        return way.project(vectors_of(way.base, pictures, digest, progress))
    path = Path(settings.VAR_DIR) / "evaluation" / "vectors" / f"{way.key}-{digest[:16]}.npy"
    if path.exists():
        return normalised(np.load(path).astype(np.float32))
    rounded = _compute(way, pictures, progress).astype(np.float16)
    _save(path, rounded)
    return normalised(rounded.astype(np.float32))


def _compute(way: Way, pictures: Sequence[Picture], progress: Progress) -> Vectors:
    parts = []
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        parts.append(way.features([picture.read() for picture in batch]))
        progress(way.name, start + len(batch), len(pictures))
    return np.concatenate(parts)


def _save(path: Path, vectors: np.typing.NDArray[np.float16]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.stem}.{os.getpid()}.npy")
    try:
        np.save(new, vectors)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
