"""What turns a picture into a vector: the rows of a report, side by side."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from safetensors.numpy import load

from recommender.embedding import preprocessing
from recommender.embedding.inference import Embedder
from recommender.embedding.model_folder import ModelFolder, ModelFolderError, write_model
from recommender.embedding.model_store import find_model
from recommender.embedding.preprocessing import decode
from recommender.evaluation.datasets import EvaluationError

Vectors = NDArray[np.float32]
RANDOM, HISTOGRAM, UNTRAINED, IMAGENET = "random", "histogram", "untrained", "imagenet"
BASELINES = (RANDOM, HISTOGRAM, UNTRAINED, IMAGENET)
# What the manifests call the rows.
REFERRED_AS = {"colour_histogram": HISTOGRAM}
UNTRAINED_SIDE = 96
HISTOGRAM_SIDE = 64
LEVELS = 8
NEAR_WHITE = 240
# Of silence, before the ImageNet weights count as out of reach.
SECONDS = 15.0
# Vectors that were kept are not those of another preprocessing.
PREPROCESSING = hashlib.sha256(Path(preprocessing.__file__).read_bytes()).hexdigest()[:8]


class Way(Protocol):
    """``key`` changes whenever the vectors would; vectors have length 1."""

    @property
    def name(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def key(self) -> str: ...
    def features(self, contents: Sequence[bytes]) -> Vectors: ...


def claims(way: Way) -> dict[str, float]:
    """What the manifest says of the vectors' quality, by label; nothing if it says nothing."""
    said = "projection_256" if isinstance(way, Projection) else "full_2048"
    return _figures(_quality(way).get(said, {}))


def references(way: Way) -> dict[str, dict[str, float]]:
    """What the manifest says of its network's rivals, by row and label."""
    said = {} if isinstance(way, Projection) else _quality(way).get("references", {})
    return {
        REFERRED_AS.get(name, name): _figures(figures)
        for name, figures in said.items()
        if isinstance(figures, dict)
    }


def _figures(said: dict[str, Any]) -> dict[str, float]:
    return {label: each for label, each in said.items() if isinstance(each, float)}


def claimed_on(way: Way) -> str:
    """On what the manifest's figures were measured."""
    return str(_quality(way).get("measure", ""))


def _quality(way: Way) -> dict[str, Any]:
    network = way.base if isinstance(way, Projection) else way
    quality = network.folder.manifest.get("quality", {}) if isinstance(network, Network) else {}
    return dict(quality)


@dataclass(frozen=True)
class Random:
    """Vectors that know nothing of the picture: what chance finds."""

    seed: int
    name: str = RANDOM
    what: str = "vectors drawn by the seed, whatever the picture"

    @property
    def key(self) -> str:
        return f"random-{self.seed}"

    def features(self, contents: Sequence[bytes]) -> Vectors:
        digest = hashlib.sha256(b"".join(contents)).digest()
        rng = np.random.default_rng([self.seed, *digest])
        return normalised(rng.standard_normal((len(contents), 32)).astype(np.float32))


@dataclass(frozen=True)
class Histogram:
    """Colours alone. The L2 distance of square roots is Hellinger's of the histograms."""

    name: str = HISTOGRAM
    what: str = (
        f"{LEVELS}³ RGB colours of what is not nearly white, compared by Hellinger's distance"
    )
    key: str = f"histogram-{HISTOGRAM_SIDE}-{LEVELS}-{NEAR_WHITE}"

    def features(self, contents: Sequence[bytes]) -> Vectors:
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
    """A model folder, run as the shop's workers run it."""

    folder: ModelFolder
    name: str
    what: str

    @property
    def key(self) -> str:
        precision = settings.NETWORK_PRECISION
        key = f"{self.folder.side}-{self.folder.digest[:16]}-{PREPROCESSING}"
        return key if precision == "f32" else f"{key}-{precision}"

    def features(self, contents: Sequence[bytes]) -> Vectors:
        return self._network.features([decode(each, self.folder.side) for each in contents])

    @cached_property
    def _network(self) -> Embedder:
        return Embedder(self.folder)


@dataclass(frozen=True)
class Projection:
    """The short vectors that a model folder may bring with it: a matrix after the network."""

    base: Network

    @property
    def name(self) -> str:
        return f"{self.base.name} projected"

    @property
    def what(self) -> str:
        return f"the {self._bias.size} values of {self.base.name}'s projection"

    @property
    def key(self) -> str:
        return f"{self.base.key}-{self._said['sha256'][:16]}"

    def features(self, contents: Sequence[bytes]) -> Vectors:
        return self.project(self.base.features(contents))

    def project(self, vectors: Vectors) -> Vectors:
        return normalised(vectors @ self._tensors["projection/kernel"] + self._bias)

    @property
    def _said(self) -> dict[str, str]:
        said: dict[str, str] = self.base.folder.manifest["projection"]
        return said

    @property
    def _bias(self) -> Vectors:
        return self._tensors["projection/bias"]

    @cached_property
    def _tensors(self) -> dict[str, Vectors]:
        """Raises ``EvaluationError`` if the file is not what the manifest says."""
        path = self.base.folder.path / self._said["file"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise EvaluationError(f"{path} cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != self._said["sha256"]:
            raise EvaluationError(f"{path} is damaged: its SHA-256 is not the manifest's.")
        return load(content)


@dataclass(frozen=True)
class Missing:
    """A row that could not be measured here, and why."""

    name: str
    reason: str


def open_ways(models: Sequence[str], without: Sequence[str], seed: int) -> Iterator[Way | Missing]:
    """The baselines, then the models, each followed by its projection if it has one.

    Raises ``EvaluationError`` for a model that there is not.
    """
    networks = [_model(name) for name in models]
    for name in BASELINES:
        if name not in without and name not in models:
            yield _baseline(name, seed)
    for network in networks:
        yield network
        if "projection" in network.folder.manifest:
            yield Projection(network)


def _model(name: str) -> Network:
    try:
        folder = find_model(name)
        folder.weights()
    except ModelFolderError as error:
        raise EvaluationError(f"{error}. Train it first, or correct the name.") from error
    return Network(folder, name, f"model folder {name}, {folder.side} px")


def _baseline(name: str, seed: int) -> Way | Missing:
    if name == RANDOM:
        return Random(seed)
    if name == HISTOGRAM:
        return Histogram()
    if name == UNTRAINED:
        what = f"ResNet50 at {UNTRAINED_SIDE} px with the random weights of seed {seed}"
        return Network(_untrained(seed), UNTRAINED, what)
    try:
        with _patience(SECONDS):
            return Network(find_model(IMAGENET), IMAGENET, "ResNet50 with Keras's ImageNet weights")
    except Exception as error:  # what Keras raises when there is no internet
        # Keras puts the whole address before the reason.
        reason = (str(error).splitlines() or [type(error).__name__])[0].rpartition(" -- ")[2]
        return Missing(IMAGENET, f"Keras could not fetch the weights: {reason}")


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Keras sets no timeout of its own; a network that swallows packets would hold it for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _untrained(seed: int) -> ModelFolder:
    """Made once; kept so that it runs as any other model folder."""
    path = Path(settings.VAR_DIR) / "evaluation" / f"untrained-{UNTRAINED_SIDE}-{seed}"
    if not (path / "manifest.json").exists():
        _make_untrained(path, seed)
    return ModelFolder(path)


def _make_untrained(path: Path, seed: int) -> None:
    import keras

    from recommender.embedding.network import build_backbone, weight_names

    keras.utils.set_random_seed(seed)
    network = build_backbone(UNTRAINED_SIDE)
    weights = {name: np.asarray(variable) for name, variable in weight_names(network)}
    manifest = {
        "name": UNTRAINED,
        "input": {"size": [UNTRAINED_SIDE, UNTRAINED_SIDE]},
        "weights": {"file": "weights.safetensors"},
    }
    write_model(path, manifest, weights, {})


def normalised(vectors: Vectors) -> Vectors:
    """Each row divided by its length."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return result
