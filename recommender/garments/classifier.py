"""Classify the kind of garment that an image shows.

The classifier is EfficientNet-Lite2 with a linear head over 31 kinds of garments
(``weights/garments/manifest.json``). It decides which categories a photo search is limited to.
Needs OpenVINO.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recommender.garments.letterbox import fit

logger = logging.getLogger(__name__)
FOLDER = Path(__file__).resolve().parent.parent / "weights" / "garments"
Probabilities = NDArray[np.float32]
# The side is in pixels; brightness and contrast are in grey values from 0 to 255.
MIN_SIDE, MIN_BRIGHTNESS, MIN_CONTRAST = 24, 12, 4
_running = threading.Lock()


@cache
def manifest() -> dict[str, Any]:
    """Return the manifest of the classifier."""
    found: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text())
    return found


@cache
def garments() -> tuple[str, ...]:
    """Return the names of the garments, in the order of the classifier's outputs."""
    return tuple(kind["name"] for kind in manifest()["kinds"])


def article_types() -> dict[str, str]:
    """Map the article types of the training data to garments."""
    return {name: kind["name"] for kind in manifest()["kinds"] for name in kind["article_types"]}


def shows_nothing(image: Image.Image) -> bool:
    """Return whether an image is too small, too dark or too plain to show a garment."""
    grey = np.asarray(image.convert("L"), np.float32)
    return min(image.size) < MIN_SIDE or grey.mean() < MIN_BRIGHTNESS or grey.std() < MIN_CONTRAST


def classify_garments(images: Sequence[Image.Image]) -> Probabilities | None:
    """Return the probabilities (n, 31) of n upright RGB images, or ``None`` without OpenVINO."""
    network = _network()
    if network is None or not images:
        return None
    side = int(manifest()["input"]["shape"][1])
    squares = [fit(image, side, Image.Resampling.BICUBIC) for image in images]
    pixels = np.stack(squares).astype(np.float32)
    with _running:
        found: Probabilities = np.array(network([pixels])[0], np.float32)
    return found


@cache
def _network() -> Any:
    """Compile the network once per process; ``None`` if OpenVINO or intact weights are missing."""
    if not find_spec("openvino"):
        return None
    import openvino

    file = FOLDER / manifest()["file"]
    with file.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != manifest()["sha256"]:
            logger.error("%s is damaged; garments are not classified.", file)
            return None
    core = openvino.Core()
    return core.compile_model(core.read_model(file), "CPU", {"PERFORMANCE_HINT": "LATENCY"})
