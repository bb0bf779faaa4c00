"""Save and restore the state of a run after an epoch in one file, replaced atomically."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from recommender.training.measuring import Precision
from recommender.training.options import TrainingError
from recommender.training.trainer import Tensors, Trainer, values_of

FILE = "checkpoint.safetensors"
# Incremented when the same options and pictures would no longer give the same run.
VERSION = 2


@dataclass
class State:
    """Holds the numbers of the last and the best epoch, and the figures of every epoch."""

    epoch: int = 0
    best: int = 0
    before: dict[str, Precision] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def best_precision(self) -> float:
        """Return the best epoch's precision by category, or -1 if there is no best epoch yet."""
        return self.history[self.best - 1]["precision"]["category"] if self.best else -1.0


def save(folder: Path, trainer: Trainer, state: State, best: Tensors) -> None:
    """Write network, heads, optimizer, best weights and state; a crash leaves the old checkpoint.

    No random state is saved, because ``Trainer`` derives it from the seed and the epoch.
    """
    tensors = {name: values_of(variable) for name, variable in trainer.variables()}
    tensors |= {f"best/{name}": tensor for name, tensor in best.items()}
    new = folder / f"{FILE}.new"
    save_file(tensors, new, {"version": str(VERSION), "state": json.dumps(asdict(state))})
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(folder / FILE)


def restore(folder: Path, trainer: Trainer) -> tuple[State, Tensors]:
    """Restore the trainer from the checkpoint, if any; return the state and the best weights.

    Raises ``TrainingError``.
    """
    path = folder / FILE
    if not path.exists():
        return State(), {}
    try:
        with safe_open(path, "np") as file:
            state = _state(path, file.metadata() or {})
            trainer.prepare(max(1, state.epoch))
            for name, variable in trainer.variables():
                variable.assign(file.get_tensor(name))
            names = [name for name in file.keys() if name.startswith("best/")]  # noqa: SIM118
            return state, {name.removeprefix("best/"): file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"{path} is damaged: {error}. Remove the folder {folder} and train again."
        ) from error


def _state(path: Path, metadata: dict[str, str]) -> State:
    if metadata.get("version") != str(VERSION):
        raise TrainingError(
            f"{path} is of another version. Remove the folder {path.parent} and train again."
        )
    return State(**json.loads(metadata["state"]))


def weights_hash(weights: Tensors) -> str:
    """Return the SHA-256 of the weights' names and values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].tobytes())
    return digest.hexdigest()
