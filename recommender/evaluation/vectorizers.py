"""Turn pictures into vectors, by networks and by baselines to compare them with."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.embedding import preprocessing
from recommender.embedding.inference import Embedder
from recommender.embedding.model_folder import ModelFolder, ModelFolderError, write_model
from recommender.embedding.model_store import find_model
from recommender.embedding.preprocessing import decode
from recommender.evaluation.datasets import EvaluationError

Vectors = NDArray[np.float32]
RANDOM, HISTOGRAM, UNTRAINED, IMAGENET = "random", "histogram", "untrained", "imagenet"
BASELINES = (RANDOM, HISTOGRAM, UNTRAINED, IMAGENET)
UNTRAINED_SIDE = 96
HISTOGRAM_SIDE = 64
LEVELS = 8
NEAR_WHITE = 240
# The download of the ImageNet weights fails if the server does not respond within this time.
DOWNLOAD_TIMEOUT_SECONDS = 15.0
# Part of the cache's keys, because other preprocessing would result in other vectors.
PREPROCESSING = hashlib.sha256(Path(preprocessing.__file__).read_bytes()).hexdigest()[:8]


class Vectorizer(Protocol):
    """Computes unit vectors of pictures; the report has a row for each vectorizer.

    ``key`` identifies the vectors in the cache and changes whenever the vectors would.
    """

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def key(self) -> str: ...
    def vectors(self, contents: Sequence[bytes]) -> Vectors: ...


def reported_scores(vectorizer: Vectorizer) -> dict[str, float]:
    """Return the P@5 reported in a network's manifest, by label; baselines have none."""
    if not isinstance(vectorizer, Network):
        return {}
    reported = vectorizer.folder.manifest.get("quality", {}).get("validation", {})
    return {label: score for label, score in reported.items() if isinstance(score, float)}


def reported_measure(vectorizer: Vectorizer) -> str:
    """Return the manifest's description of what its scores were measured on."""
    if not isinstance(vectorizer, Network):
        return ""
    return str(vectorizer.folder.manifest.get("quality", {}).get("measure", ""))


@dataclass(frozen=True)
class Random:
    """Returns random vectors, to measure the precision that chance achieves."""

    seed: int
    name: str = RANDOM
    description: str = "random vectors, whatever the picture"

    @property
    def key(self) -> str:
        return f"random-{self.seed}"

    def vectors(self, contents: Sequence[bytes]) -> Vectors:
        digest = hashlib.sha256(b"".join(contents)).digest()
        rng = np.random.default_rng([self.seed, *digest])
        return normalised(rng.standard_normal((len(contents), 32)).astype(np.float32))


@dataclass(frozen=True)
class Histogram:
    """Returns the square roots of colour histograms, so that L2 is the Hellinger distance."""

    name: str = HISTOGRAM
    description: str = (
        f"histogram of {LEVELS}³ RGB colours without near-white, compared by the Hellinger distance"
    )
    key: str = f"histogram-{HISTOGRAM_SIDE}-{LEVELS}-{NEAR_WHITE}"

    def vectors(self, contents: Sequence[bytes]) -> Vectors:
        return np.stack([self._histogram(content) for content in contents])

    def _histogram(self, content: bytes) -> Vectors:
        pixels = decode(content, HISTOGRAM_SIDE).reshape(-1, 3)
        shown = pixels[pixels.min(axis=1) < NEAR_WHITE]
        levels = (shown if len(shown) else pixels).astype(np.int64) * LEVELS // 256
        places = levels @ np.array([LEVELS * LEVELS, LEVELS, 1])
        counts = np.bincount(places, minlength=LEVELS**3)
        histogram: Vectors = np.sqrt(counts / counts.sum()).astype(np.float32)
        return histogram


@dataclass(frozen=True)
class Network:
    """Runs the network of a model folder as the shop's workers do."""

    folder: ModelFolder
    name: str
    description: str

    @property
    def key(self) -> str:
        precision = settings.NETWORK_PRECISION
        key = f"{self.folder.input_size}-{self.folder.sha256[:16]}-{PREPROCESSING}"
        return key if precision == "f32" else f"{key}-{precision}"

    def vectors(self, contents: Sequence[bytes]) -> Vectors:
        size = self.folder.input_size
        return self._network.embed([decode(content, size) for content in contents])

    @cached_property
    def _network(self) -> Embedder:
        return Embedder(self.folder)


@dataclass(frozen=True)
class UnavailableVectorizer:
    """Names a vectorizer that is not available here, and the reason."""

    name: str
    reason: str


def open_vectorizers(
    models: Sequence[str], without: Sequence[str], seed: int
) -> Iterator[Vectorizer | UnavailableVectorizer]:
    """Yield the baselines except those named in ``without``, then the models.

    Raises ``EvaluationError`` for an unknown model.
    """
    networks = [_model(name) for name in models]
    for name in BASELINES:
        if name not in without and name not in models:
            yield _baseline(name, seed)
    yield from networks


def _model(name: str) -> Network:
    try:
        folder = find_model(name)
        folder.weights()
    except ModelFolderError as error:
        raise EvaluationError(f"{error}. Train it first, or correct the name.") from error
    return Network(folder, name, f"model folder {name}, {folder.input_size} px")


def _baseline(name: str, seed: int) -> Vectorizer | UnavailableVectorizer:
    if name == RANDOM:
        return Random(seed)
    if name == HISTOGRAM:
        return Histogram()
    if name == UNTRAINED:
        description = f"ResNet50 at {UNTRAINED_SIDE} px with the random weights of seed {seed}"
        return Network(_untrained(seed), UNTRAINED, description)
    try:
        with _socket_timeout(DOWNLOAD_TIMEOUT_SECONDS):
            return Network(find_model(IMAGENET), IMAGENET, "ResNet50 with Keras's ImageNet weights")
    except Exception as error:  # whatever Keras raises without internet
        # Only the end is kept, because Keras puts the whole address before the reason.
        reason = (str(error).splitlines() or [type(error).__name__])[0].rpartition(" -- ")[2]
        return UnavailableVectorizer(IMAGENET, f"Keras could not fetch the weights: {reason}")


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Set the default timeout of sockets, because Keras sets none and could wait forever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _untrained(seed: int) -> ModelFolder:
    """Return the model folder of an untrained network, created on first use."""
    path = Path(settings.VAR_DIR) / "evaluation" / f"untrained-{UNTRAINED_SIDE}-{seed}"
    if not (path / "manifest.json").exists():
        _write_untrained(path, seed)
    return ModelFolder(path)


def _write_untrained(path: Path, seed: int) -> None:
    import keras

    from recommender.embedding.network import build_trunk, weight_names

    keras.utils.set_random_seed(seed)
    network = build_trunk(UNTRAINED_SIDE)
    weights = {name: np.asarray(variable) for name, variable in weight_names(network)}
    manifest = {
        "name": UNTRAINED,
        "input": {"size": [UNTRAINED_SIDE, UNTRAINED_SIDE]},
        "weights": {"file": "weights.safetensors"},
    }
    write_model(path, manifest, weights, {})


def normalised(vectors: Vectors) -> Vectors:
    """Return the rows scaled to length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return result
