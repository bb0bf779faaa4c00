"""Copy the catalogue when a run starts, so that resuming it uses the same pictures.

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
    """Holds pictures (n, side, side, 3) and labels (n, 4): indices into ``classes``, -1 if unknown.

    ``parts`` are the indices to train on, to measure after each epoch, and to exclude from both.
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
    """Choose the pictures of a run, decode and store them. Raises ``TrainingError``."""
    chosen = _choose(entries, excluded, options)
    excluded_digests = set(_digests(entry for entry in entries if entry.id in excluded))
    ids: list[str] = []
    digests: list[bytes] = []
    labels: list[tuple[str, ...]] = []
    duplicates = 0  # products left out, with the file of an excluded one
    with (folder / "pictures.u8").open("wb") as file:
        for done, entry in enumerate(chosen, 1):
            progress(done, len(chosen))
            try:
                file_bytes = entry.read()
                pixels = decode(file_bytes, options.size)
            except Exception:  # noqa: S112 - whatever a decoder raises; counted as damaged
                continue
            digest = hashlib.sha256(file_bytes).digest()
            if entry.id not in excluded and digest in excluded_digests:
                duplicates += 1
                continue
            file.write(pixels.tobytes())
            ids.append(entry.id)
            digests.append(digest)
            labels.append(entry.labels)
    damaged = len(chosen) - len(ids) - duplicates
    parts = _split(ids, digests, excluded, options.seed)
    _check(parts, labels, damaged)
    content = {"ids": ids, "labels": labels, "parts": parts, "damaged": damaged}
    (folder / "products.json").write_text(json.dumps(content))


def _digests(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield the hashes of the entries' files, without those that cannot be read."""
    for entry in entries:
        with suppress(Exception):  # whatever the storage raises; ``take_snapshot`` counts the file
            yield hashlib.sha256(entry.read()).digest()


def _choose(entries: Sequence[Entry], excluded: set[str], options: Options) -> list[Entry]:
    """Return all products to train on, or ``limit`` of them, and excluded ones to measure with."""
    entries = sorted(entries, key=lambda entry: entry.id)
    usable = [entry for entry in entries if entry.id not in excluded]
    unused = [entry for entry in entries if entry.id in excluded]
    if excluded and not unused:
        raise TrainingError(
            f"None of the {len(excluded):,} ids to exclude is in the catalogue. Is it the right "
            "file? It holds one external id a line."
        )
    return _draw(usable, options.limit, options.seed) + _draw(unused, MAX_VALIDATION, options.seed)


def _draw(entries: list[Entry], count: int | None, seed: int) -> list[Entry]:
    if count is None or len(entries) <= count:
        return entries
    chosen = np.random.default_rng([seed, 1]).choice(len(entries), count, replace=False)
    return [entries[row] for row in np.sort(chosen)]


def _split(ids: list[str], digests: list[bytes], excluded: set[str], seed: int) -> list[str]:
    """Return the part of each product, the same for the same ids and seed.

    Products with the same file share a part, so that epochs are not compared on pictures that were
    trained on.
    """
    parts = [EXCLUDED if each in excluded else TRAIN for each in ids]
    same: dict[bytes, list[int]] = defaultdict(list)
    for row, part in enumerate(parts):
        if part == TRAIN:
            same[digests[row]].append(row)
    remaining = min(MAX_VALIDATION, round(VALIDATION_SHARE * parts.count(TRAIN)))
    for first in np.random.default_rng([seed, 2]).permutation([rows[0] for rows in same.values()]):
        rows = same[digests[int(first)]]
        if len(rows) <= remaining:
            remaining -= len(rows)
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
            "Almost all products share one picture, so there are none for validation. Give them "
            "pictures of their own."
        )
    categories = {labels[row][0] for row in usable if parts[row] == TRAIN}
    if len(categories) < 2:
        raise TrainingError(
            f"All products are in one category, {', '.join(categories)}; there is nothing to "
            "learn. Sort them into two categories or more."
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
