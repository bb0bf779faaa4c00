"""Check the options of a training run before any data is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from recommender.embedding.model_folder import ModelFolderError
from recommender.embedding.model_store import find_model

UNTRAINED = "untrained"
RESERVED = (UNTRAINED, "imagenet")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
# Smallest and largest side of pictures: ResNet50 divides the side by 32, and a CPU takes days with
# more than 512.
SIDES = (32, 512)
UNTRAINED_SIDE = 96
LEAST = {"epochs": 1, "batch": 2, "patience": 1, "seed": 0, "limit": 1}
LAST, ALL = "last", "all"


class TrainingError(Exception):
    """Raised when a run cannot start or continue; the message says what to do about it."""


@dataclass(frozen=True)
class Options:
    """Holds the options of a run; ``sha256`` is the hash of the weights of ``source``."""

    name: str
    source: str
    sha256: str
    size: int
    epochs: int
    frozen_epochs: int
    batch: int
    learning_rate: float
    seed: int
    limit: int | None
    patience: int
    unfreeze: str
    augment: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def make_options(name: str, source: str, given: Mapping[str, Any]) -> Options:
    """Return the given options, completed by defaults. Raises ``TrainingError``.

    An untrained network gets no frozen epochs, because they would protect nothing, and a higher
    learning rate.
    """
    check_name(name)
    size, sha256 = _source(source)
    scratch = source == UNTRAINED
    values = {
        "size": size,
        "epochs": 10,
        "frozen_epochs": 0 if scratch else 1,
        "batch": 32,
        "learning_rate": 2e-4 if scratch else 1e-4,
        "seed": 1,
        "limit": None,
        "patience": 3,
        "unfreeze": ALL,
        "augment": True,
    } | {key: value for key, value in given.items() if value is not None}
    options = Options(name, source, sha256, **values)
    _check(options)
    return options


def check_name(name: str) -> None:
    """Raise ``TrainingError`` if a name is invalid or taken."""
    if not NAME.fullmatch(name):
        raise TrainingError(
            f"{name!r} cannot name a model: use up to 80 lower-case letters, digits, - . and _, "
            "a letter or digit first."
        )
    if name in RESERVED or any((parent / name).exists() for parent in settings.MODEL_FOLDERS):
        raise TrainingError(f"There is a model {name!r} already; choose another name.")


def _source(source: str) -> tuple[int, str]:
    """Return the input size of the source in pixels and the hash of its weights."""
    if source == UNTRAINED:
        return UNTRAINED_SIDE, ""
    try:
        folder = find_model(source)
        folder.weights()
        return folder.input_size, folder.sha256
    except ModelFolderError as error:
        raise TrainingError(f"{error}. Or start with --from {UNTRAINED}.") from error
    except Exception as error:  # whatever Keras raises without internet
        if source != "imagenet":
            raise
        raise TrainingError(f"Keras could not fetch the ImageNet weights: {error}") from error


def _check(options: Options) -> None:
    if not SIDES[0] <= options.size <= SIDES[1]:
        raise TrainingError(
            f"--size is {options.size}; it must be from {SIDES[0]} to {SIDES[1]} pixels."
        )
    for key, least in LEAST.items():
        value = getattr(options, key)
        if value is not None and value < least:
            raise TrainingError(f"--{key} is {value}; it must be {least} or more.")
    if not 0 <= options.frozen_epochs < options.epochs:
        raise TrainingError(
            f"--frozen-epochs is {options.frozen_epochs} of {options.epochs}; it must be less "
            "than --epochs, or the network would stay as it is."
        )
    if not 0 < options.learning_rate <= 10:
        raise TrainingError(
            f"--learning-rate is {options.learning_rate:g}; it must be above 0, 10 at most."
        )
