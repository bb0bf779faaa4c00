"""The catalogue as it was when the run began, so that going on later means the same pictures.

``pictures.u8`` holds the pixels, ``products.json`` ids, labels and parts.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.embedding.preprocessing import decode
from recommender.garments.letterbox import Pixels
from recommender.training.catalogue import LABELS, Entry
from recommender.training.options import Options, TrainingError

MIN_PRODUCTS = 20
VALIDATION_SHARE = 0.2
MAX_VALIDATION = 500
TRAIN, VALIDATION, EXCLUDED = "train", "validation", "excluded"


@dataclass(frozen=True)
class Snapshot:
    """``pictures`` is (n, side, side, 3), ``labels`` (n, 4) indices into ``classes``, -1: unknown.

    The parts are indices: learned from; asked after every epoch; never seen.
    """

    pictures: Pixels
    labels: NDArray[np.int32]
    classes: tuple[tuple[str, ...], ...]
    parts: dict[str, NDArray[np.int64]]
    damaged: int

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(rows) for name, rows in self.parts.items()} | {"damaged": self.damaged}


def take_snapshot(
    folder: Path,
    entries: Sequence[Entry],
    excluded: set[str],
    options: Options,
    progress: Callable[[int, int], None],
) -> None:
    """Decode what the run needs into the folder. Raises ``TrainingError``."""
    chosen = _choose(entries, excluded, options)
    unseen = set(_digests(entry for entry in entries if entry.id in excluded))
    ids: list[str] = []
    digests: list[bytes] = []
    labels: list[tuple[str, ...]] = []
    copies = 0
    with (folder / "pictures.u8").open("wb") as file:
        for done, entry in enumerate(chosen, 1):
            progress(done, len(chosen))
            try:
                content = entry.read()
                pixels = decode(content, options.size)
            except Exception:  # noqa: S112 - decoders raise anything; it is counted below
                continue
            digest = hashlib.sha256(content).digest()
            if entry.id not in excluded and digest in unseen:  # under another id
                copies += 1
                continue
            file.write(pixels.tobytes())
            ids.append(entry.id)
            digests.append(digest)
            labels.append(entry.labels)
    damaged = len(chosen) - len(ids) - copies
    parts = _split(ids, digests, excluded, options.seed)
    _check(parts, labels, damaged)
    told = {"ids": ids, "labels": labels, "parts": parts, "damaged": damaged}
    (folder / "products.json").write_text(json.dumps(told))


def _digests(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Of their files; of what cannot be read there is no copy."""
    for entry in entries:
        with suppress(Exception):  # whatever the storage raises: decoding will count it
            yield hashlib.sha256(entry.read()).digest()


def _choose(entries: Sequence[Entry], excluded: set[str], options: Options) -> list[Entry]:
    """All to learn from, or ``limit`` drawn by the seed; the excluded up to ``MAX_VALIDATION``."""
    entries = sorted(entries, key=lambda entry: entry.id)
    kept = [entry for entry in entries if entry.id not in excluded]
    apart = [entry for entry in entries if entry.id in excluded]
    if excluded and not apart:
        raise TrainingError(
            f"None of the {len(excluded):,} ids to exclude is in the catalogue. Is it the right "
            "file? It holds one external id a line."
        )
    return _draw(kept, options.limit, options.seed) + _draw(apart, MAX_VALIDATION, options.seed)


def _draw(entries: list[Entry], count: int | None, seed: int) -> list[Entry]:
    if count is None or len(entries) <= count:
        return entries
    chosen = np.random.default_rng([seed, 1]).choice(len(entries), count, replace=False)
    return [entries[row] for row in np.sort(chosen)]


def _split(ids: list[str], digests: list[bytes], excluded: set[str], seed: int) -> list[str]:
    """Which part each product belongs to; the same for the same ids and seed.

    Products with one file are in one part: an epoch is not chosen by what it learned from.
    """
    parts = [EXCLUDED if each in excluded else TRAIN for each in ids]
    same: dict[bytes, list[int]] = defaultdict(list)
    for row, part in enumerate(parts):
        if part == TRAIN:
            same[digests[row]].append(row)
    wanted = min(MAX_VALIDATION, round(VALIDATION_SHARE * parts.count(TRAIN)))
    for first in np.random.default_rng([seed, 2]).permutation([rows[0] for rows in same.values()]):
        rows = same[digests[int(first)]]
        if len(rows) <= wanted:
            wanted -= len(rows)
            for row in rows:
                parts[row] = VALIDATION
    return parts


def _check(parts: list[str], labels: list[tuple[str, ...]], damaged: int) -> None:
    usable = [row for row, part in enumerate(parts) if part != EXCLUDED]
    if len(usable) < MIN_PRODUCTS:
        raise TrainingError(
            f"Training needs at least {MIN_PRODUCTS} products with pictures that can be read; "
            f"there are {len(usable)} ({damaged} damaged). Add products, or raise --limit."
        )
    if VALIDATION not in parts:
        raise TrainingError(
            "Almost all products share one picture; there is nothing to choose an epoch by. Give "
            "them pictures of their own."
        )
    categories = {labels[row][0] for row in usable if parts[row] == TRAIN}
    if len(categories) < 2:
        raise TrainingError(
            f"All products are in one category, {', '.join(categories)}; there is nothing to tell "
            "apart. Sort them into two categories or more."
        )


def load_snapshot(folder: Path, side: int) -> Snapshot:
    content = json.loads((folder / "products.json").read_text())
    columns = list(zip(*content["labels"], strict=True))
    classes = tuple(tuple(sorted({label for label in column if label})) for column in columns)
    labels = np.full((len(content["ids"]), len(LABELS)), -1, np.int32)
    for number, (column, names) in enumerate(zip(columns, classes, strict=True)):
        place = {name: index for index, name in enumerate(names)}
        labels[:, number] = [place.get(label, -1) for label in column]
    shape = (len(labels), side, side, 3)
    pictures = np.memmap(folder / "pictures.u8", np.uint8, "r", shape=shape)
    parts = np.array(content["parts"])
    rows = {part: np.flatnonzero(parts == part) for part in (TRAIN, VALIDATION, EXCLUDED)}
    return Snapshot(pictures, labels, classes, rows, content["damaged"])
