"""Show the progress of a training run on the terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from recommender.training.catalogue import LABELS
from recommender.training.checkpoint import State
from recommender.training.measuring import Precision
from recommender.training.options import Options
from recommender.training.snapshot import VALIDATION, Snapshot


class Progress:
    """Writes a line for each epoch to ``stream``, and shows bars within it on a terminal."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._bar: Any = None
        self._since = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def step(self, what: str, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, desc=what, leave=False, disable=not sys.stderr.isatty())
        self._bar.update(done - self._bar.n)
        if done == total:
            self._close()

    def started(self, options: Options, snapshot: Snapshot, state: State) -> None:
        counts = ", ".join(f"{count:,} {name}" for name, count in snapshot.counts.items())
        self._print(f"{options.name} from {options.source} at {options.size} px: {counts}.")
        self._print(f"P@5 before: {_figures(state.before[VALIDATION])}")
        if state.epoch:
            self._print(f"Continuing after epoch {state.epoch}.")
        self._since = time.monotonic()

    def epoch(self, options: Options, state: State) -> None:
        last = state.history[-1]
        seconds = time.monotonic() - self._since
        self._since = time.monotonic()
        best = " (best)" if state.best == state.epoch else ""
        self._print(
            f"Epoch {state.epoch} of {options.epochs}, {last['stage']}: loss {last['loss']:.3f}, "
            f"P@5 {_figures(last['precision'])}, {seconds:.0f} s{best}"
        )

    def finished(self, state: State, after: dict[str, Precision]) -> None:
        before, now = (each[VALIDATION]["category"] or 0.0 for each in (state.before, after))
        self._print(f"P@5 of the category: {before:.3f} before, {now:.3f} after.")
        if now <= before:
            self._print("The new model is no better than the one it started from; keep using that.")

    def _print(self, line: str) -> None:
        self._close()
        self._stream.write(line)
        self._stream.flush()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _figures(precision: Precision) -> str:
    known = ((name, precision[name]) for name in LABELS)
    return ", ".join(
        f"{name.replace('_', ' ')} {value:.3f}" for name, value in known if value is not None
    )
