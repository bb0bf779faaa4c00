"""Ways to make 2,048 values fewer, each by a matrix on the vectors as they are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from recommender.rotation import rotate
from safetensors.numpy import load_file

from recommender.embedding.model_store import find_model

SAMPLE = 40_000


@dataclass(frozen=True)
class Reduction:
    """(n, 2048) -> (n, size): times a matrix, plus an offset; made length 1 if asked."""

    matrix: np.ndarray | None
    size: int
    offset: np.ndarray | float = 0.0
    normalised: bool = False

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        if self.matrix is None:
            return vectors[:, : self.size]
        short = vectors.astype(np.float32) @ self.matrix + self.offset
        if self.normalised:
            short /= np.linalg.norm(short, axis=1, keepdims=True)
        return short


_components: dict[int, np.ndarray] = {}


def pca(vectors: np.ndarray, size: int) -> Reduction:
    """The directions in which the vectors vary most, from up to 40,000 of them."""
    if not _components:
        picked = np.random.default_rng(5).permutation(len(vectors))[:SAMPLE]
        some = vectors[np.sort(picked)].astype(np.float32)
        some -= some.mean(axis=0)
        _components[0] = np.linalg.eigh(some.T @ some)[1][:, ::-1]
    return Reduction(np.ascontiguousarray(_components[0][:, :size]), size)


def learned() -> Reduction:
    """The projection in the model's folder, turned as the stored vectors are."""
    tensors = load_file(str(find_model("fashion").path / "projection.safetensors"))
    kernel = next(value for value in tensors.values() if value.shape == (2048, 256))
    bias = next(value for value in tensors.values() if value.shape == (256,))
    turned = rotate(np.ascontiguousarray(kernel.astype(np.float32).T)).T
    return Reduction(turned, 256, bias.astype(np.float32), normalised=True)


REDUCTIONS: dict[str, Callable[[np.ndarray], Reduction]] = {
    "sketch_256": lambda vectors: Reduction(None, 256),
    "full_2048": lambda vectors: Reduction(None, 2048),
    "pca_128": lambda vectors: pca(vectors, 128),
    "pca_256": lambda vectors: pca(vectors, 256),
    "pca_512": lambda vectors: pca(vectors, 512),
    "learned_256": lambda vectors: learned(),
}
