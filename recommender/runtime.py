"""The fast execution of the network: OpenVINO where it is installed, Keras where it is not."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.folder import ModelFolder, find_model
from recommender.preprocessing import Pixels
from recommender.rotation import Vectors, rotate

if TYPE_CHECKING:
    import openvino

logger = logging.getLogger(__name__)
Run = Callable[[NDArray[np.float32]], Vectors]
_loaded: dict[str, Embedder] = {}
_loading = threading.Lock()


class Embedder:
    """A network ready to run. One inference at a time: each uses all cores."""

    def __init__(self, folder: ModelFolder, *, engine: str = "openvino") -> None:
        self.folder = folder
        self.side = folder.side
        self.run = _openvino(folder) if engine == "openvino" and has_openvino() else _keras(folder)
        self._running = threading.Lock()

    def features(self, pixels: list[Pixels]) -> Vectors:
        """n pictures of (side, side, 3) -> the network's (n, 2048) vectors of length 1."""
        with self._running:
            return self.run(np.stack(pixels).astype(np.float32))

    def embed(self, pixels: list[Pixels]) -> Vectors:
        """What is stored: the features, rotated; all distances are the features' own."""
        return rotate(self.features(pixels))


def embedder(name: str) -> Embedder:
    """The network of a model folder, loaded once a process, and again if the folder is another.

    A name may come back with other weights after its model was removed.
    """
    folder = find_model(name)
    with _loading:
        if name not in _loaded or _loaded[name].folder.manifest != folder.manifest:
            _loaded[name] = Embedder(folder)
        return _loaded[name]


def has_openvino() -> bool:
    try:
        import openvino  # noqa: F401
    except ImportError:
        return False
    return True


def _keras(folder: ModelFolder) -> Run:
    from recommender.network import build_network

    network = build_network(folder)
    return lambda pixels: np.asarray(network(pixels, training=False))


def _openvino(folder: ModelFolder) -> Run:
    import openvino

    core = openvino.Core()
    options = {
        "PERFORMANCE_HINT": "LATENCY",  # one batch on all cores: 120 images/s, THROUGHPUT 65
        "INFERENCE_PRECISION_HINT": _precision(core),
    }
    if settings.NETWORK_THREADS:
        options["INFERENCE_NUM_THREADS"] = str(settings.NETWORK_THREADS)
    compiled = core.compile_model(core.read_model(_exported(folder)), "CPU", options)

    def run(pixels: NDArray[np.float32]) -> Vectors:
        result: Vectors = np.array(compiled(pixels)[0], dtype=np.float32)
        return result

    return run


def _precision(core: openvino.Core) -> str:
    """As set, where the processor has it: its vectors may stand beside those of 32 bits (ADR 2)."""
    wanted: str = settings.NETWORK_PRECISION
    if wanted.upper() in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") or wanted == "f32":
        return wanted
    logger.warning("The processor has no %s; the network runs in f32.", wanted)
    return "f32"


def _exported(folder: ModelFolder) -> Path:
    """The network in OpenVINO's format, exported from Keras once and kept in the cache."""
    path: Path = settings.NETWORK_CACHE / f"{folder.name}-{folder.side}-{folder.digest[:16]}.xml"
    if not path.exists():
        _export(folder, path)
    return path


def _export(folder: ModelFolder, path: Path) -> None:
    import openvino

    from recommender.network import build_network

    shape = openvino.PartialShape([-1, folder.side, folder.side, 3])
    model: openvino.Model = openvino.convert_model(build_network(folder), input=[shape])
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.stem}.{os.getpid()}.xml")
    openvino.save_model(model, new, compress_to_fp16=False)
    # The .xml last: who sees it finds its .bin.
    new.with_suffix(".bin").replace(path.with_suffix(".bin"))
    new.replace(path)
