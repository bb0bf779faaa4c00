"""Run the network with OpenVINO, or with Keras where OpenVINO is not installed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.embedding.model_folder import ModelFolder
from recommender.embedding.model_store import model_folder
from recommender.garments.letterbox import Pixels
from recommender.models import EmbeddingModel

if TYPE_CHECKING:
    import openvino

logger = logging.getLogger(__name__)
# Images per inference: 16 give 180 images/s on two cores; 64 give 174 and use four times the
# memory.
INFERENCE_BATCH = 16
Vectors = NDArray[np.float32]
Run = Callable[[NDArray[np.float32]], Vectors]
# Networks ordered by their last use; the least recently used is dropped if there are too many.
_loaded: dict[tuple[str, int], Embedder] = {}
MAX_LOADED_MODELS = 3
_lookup, _loading = threading.Lock(), threading.Lock()


class Embedder:
    """Runs a network in ``streams`` concurrent inferences, which together use all cores."""

    def __init__(self, folder: ModelFolder, *, engine: str = "openvino", streams: int = 1) -> None:
        self.folder = folder
        self.input_size = folder.input_size
        fast = engine == "openvino" and find_spec("openvino")
        self.run = _openvino(folder, streams) if fast else _keras(folder)

    def embed(self, pixels: list[Pixels]) -> Vectors:
        """Return the unit vectors (n, 256) of n square images (size, size, 3)."""
        starts = range(0, len(pixels), INFERENCE_BATCH)
        parts = [pixels[start : start + INFERENCE_BATCH] for start in starts]
        return np.concatenate([self.run(np.stack(part).astype(np.float32)) for part in parts])


def embedder(model: EmbeddingModel, streams: int = 1) -> Embedder:
    """Return the network of a model, loaded once per process and again if its folder changes.

    A thread that loads a network does not delay others that use a loaded one. Raises
    ``ModelFolderError`` if the folder is missing or the hash of its weights is wrong.
    """
    folder = model_folder(model)
    key = (model.name, streams)
    if known := _find_loaded(key, folder):
        return known
    with _loading:
        # Another thread may have loaded the network meanwhile.
        if known := _find_loaded(key, folder):
            return known
        new = Embedder(folder, streams=streams)
        with _lookup:
            _loaded[key] = new
            for oldest in list(_loaded)[:-MAX_LOADED_MODELS]:
                del _loaded[oldest]
        return new


def _find_loaded(key: tuple[str, int], folder: ModelFolder) -> Embedder | None:
    with _lookup:
        known = _loaded.pop(key, None)
        if known is None or known.folder.manifest != folder.manifest:
            return None
        _loaded[key] = known
        return known


def _keras(folder: ModelFolder) -> Run:
    from recommender.embedding.network import build_network

    network, lock = build_network(folder), threading.Lock()

    def run(pixels: NDArray[np.float32]) -> Vectors:
        with lock:
            return np.asarray(network(pixels, training=False))

    return run


def _openvino(folder: ModelFolder, streams: int) -> Run:
    import openvino

    core = openvino.Core()
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _precision(core),
        "NUM_STREAMS": str(streams),
        # With NETWORK_THREADS=1, pinning would bind every process to the first core: two processes
        # embedded 50 images/s instead of 111.
        "ENABLE_CPU_PINNING": False,
    }
    if settings.NETWORK_THREADS:
        options["INFERENCE_NUM_THREADS"] = str(settings.NETWORK_THREADS)
    compiled = core.compile_model(core.read_model(_exported(folder)), "CPU", options)
    free: SimpleQueue[openvino.InferRequest] = SimpleQueue()
    for _ in range(streams):
        free.put(compiled.create_infer_request())

    def run(pixels: NDArray[np.float32]) -> Vectors:
        request = free.get()
        try:
            return np.array(request.infer([pixels])[0], dtype=np.float32)
        finally:
            free.put(request)

    return run


def _precision(core: openvino.Core) -> str:
    """Return ``NETWORK_PRECISION`` if the processor supports it, else ``f32``.

    Vectors of both precisions are comparable (ADR 2).
    """
    wanted: str = settings.NETWORK_PRECISION
    if wanted.upper() in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") or wanted == "f32":
        return wanted
    logger.warning("The processor has no %s; the network runs in f32.", wanted)
    return "f32"


def _exported(folder: ModelFolder) -> Path:
    """Return the path of the network in OpenVINO's format, exported from Keras once and cached."""
    path: Path = (
        settings.NETWORK_CACHE / f"{folder.name}-{folder.input_size}-{folder.sha256[:16]}.xml"
    )
    if not path.exists():
        _export(folder, path)
    return path


def _export(folder: ModelFolder, path: Path) -> None:
    import openvino

    from recommender.embedding.network import build_network

    shape = openvino.PartialShape([-1, folder.input_size, folder.input_size, 3])
    model: openvino.Model = openvino.convert_model(build_network(folder), input=[shape])
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.stem}.{os.getpid()}.xml")
    openvino.save_model(model, new, compress_to_fp16=False)
    # The .xml is moved last, because a process that finds the .xml reads the .bin.
    new.with_suffix(".bin").replace(path.with_suffix(".bin"))
    new.replace(path)
