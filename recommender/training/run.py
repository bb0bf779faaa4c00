"""Start or resume a training run in its folder under ``VAR_DIR/training``."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings

from recommender.training import checkpoint
from recommender.training.catalogue import open_entries
from recommender.training.measuring import Precision, measure, measure_spread
from recommender.training.options import Options, TrainingError, check_name, make_options
from recommender.training.output import write_results
from recommender.training.snapshot import (
    EXCLUDED,
    VALIDATION,
    Snapshot,
    load_snapshot,
    take_snapshot,
)
from recommender.training.trainer import Tensors, Trainer


class Watcher(Protocol):
    """Receives the progress of a run."""

    def step(self, what: str, done: int, total: int) -> None: ...
    def started(self, options: Options, snapshot: Snapshot, state: checkpoint.State) -> None: ...
    def epoch(self, options: Options, state: checkpoint.State) -> None: ...
    def finished(self, state: checkpoint.State, after: dict[str, Precision]) -> None: ...


def run_folder(name: str) -> Path:
    return Path(settings.VAR_DIR) / "training" / name


def start(
    name: str,
    source: str,
    given: Mapping[str, Any],
    *,
    catalogue: Path | None = None,
    exclude: Path | None = None,
    watcher: Watcher,
) -> Path:
    """Start a run and return the new model's folder. Raises ``TrainingError``, ``OSError``."""
    options = make_options(name, source, given)
    folder = run_folder(name)
    if folder.exists():
        raise TrainingError(
            f"{folder} holds an unfinished run. Continue it with --resume, or remove the folder."
        )
    _check_writable(Path(settings.MODEL_FOLDERS[0]))
    excluded = _read_ids(exclude) if exclude else set()
    new = folder.with_name(f".{name}.{os.getpid()}")
    new.mkdir(parents=True)
    try:
        with open_entries(catalogue) as entries:
            take_snapshot(new, entries, excluded, options, partial(watcher.step, "pictures"))
        (new / "options.json").write_text(json.dumps(options.as_json()))
        new.rename(folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return _train(folder, options, watcher)


def resume(name: str, given: Mapping[str, Any], *, watcher: Watcher) -> Path:
    """Continue a run after its last complete epoch. Raises ``TrainingError``, ``OSError``."""
    check_name(name)
    folder = run_folder(name)
    if not folder.exists():
        raise TrainingError(f"There is no unfinished run {name!r} to continue.")
    try:
        options = Options(**json.loads((folder / "options.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{folder} is damaged: {error}. Remove it, train again.") from error
    other = [key for key, value in given.items() if value not in (None, getattr(options, key))]
    if other:
        names = ", ".join(f"--{key.replace('_', '-')}" for key in other)
        raise TrainingError(f"A resumed run keeps its options; leave out {names}.")
    return _train(folder, options, watcher)


def _check_writable(folder: Path) -> None:
    """Raise ``OSError`` now, before hours of work, if the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".probe.{os.getpid()}"
    probe.mkdir()
    probe.rmdir()


def _read_ids(path: Path) -> set[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error
    ids = {line.strip() for line in lines if line.strip()}
    if not ids:
        raise TrainingError(f"{path} is empty; it should hold one id a line.")
    return ids


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Lock the folder for the block. Raises ``TrainingError`` if another process trains in it."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(f"Another process is training in {folder}.") from None
        yield


def _train(folder: Path, options: Options, watcher: Watcher) -> Path:
    with _lock(folder):
        snapshot = load_snapshot(folder, options.size)
        trainer = Trainer(options, snapshot)
        state, best = checkpoint.restore(folder, trainer)
        if not state.epoch:
            state.before = _measure_both(trainer, snapshot, options)
        watcher.started(options, snapshot, state)
        while not _is_finished(options, state):
            best = _epoch(trainer, snapshot, options, state, best, watcher)
            checkpoint.save(folder, trainer, state, best)
            watcher.epoch(options, state)
        trainer.restore(best)
        after = _measure_both(trainer, snapshot, options)
        spread = measure_spread(trainer, snapshot, options.seed)
        path = write_results(options, snapshot, state, after, spread, best)
        watcher.finished(state, after)
    shutil.rmtree(folder)
    return path


def _measure_both(trainer: Trainer, snapshot: Snapshot, options: Options) -> dict[str, Precision]:
    parts = (VALIDATION, EXCLUDED) if len(snapshot.parts[EXCLUDED]) else (VALIDATION,)
    return {part: measure(trainer, snapshot, part, options.seed) for part in parts}


def _is_finished(options: Options, state: checkpoint.State) -> bool:
    """Return whether all epochs are done or too many have passed without improvement."""
    waited = state.epoch - max(state.best, options.frozen_epochs)
    return state.epoch >= options.epochs or (state.best > 0 and waited >= options.patience)


def _epoch(
    trainer: Trainer,
    snapshot: Snapshot,
    options: Options,
    state: checkpoint.State,
    best: Tensors,
    watcher: Watcher,
) -> Tensors:
    """Train one epoch, record it in ``state`` and return the best weights so far.

    Of equally good epochs, the first counts as the best.
    """
    number = state.epoch + 1
    loss = trainer.learn(number, partial(watcher.step, f"epoch {number}"))
    # A frozen network is not measured, because only its heads have changed.
    frozen = trainer.is_frozen(number)
    precision = (
        state.before[VALIDATION] if frozen else measure(trainer, snapshot, VALIDATION, options.seed)
    )
    state.epoch = number
    stage = "heads" if frozen else options.unfreeze
    state.history.append({"epoch": number, "stage": stage, "loss": loss, "precision": precision})
    if not frozen and (precision["category"] or 0.0) > state.best_precision:
        state.best = number
        return trainer.weights()
    return best
