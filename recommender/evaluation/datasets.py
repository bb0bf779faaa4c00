"""Read the datasets of an evaluation: a catalogue with a list of query ids, or photos in a ZIP.

A dataset has queries, which are searched with, and a gallery, which is searched.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.embedding.preprocessing import decode
from recommender.photo_search.photos import sanitise
from recommender.training.catalogue import Entry, open_entries
from recommender.training.options import TrainingError
from shop.imports.errors import ImportProblem
from shop.imports.parsing.archives import ZipStore
from shop.imports.parsing.source import PICTURE_SUFFIX

# Number of nearest neighbours that each query is judged by, as in "precision at 5".
K = 5
PRODUCT_LABELS = ("article_type", "sub_category", "base_colour", "gender", "usage")
TYPE_AND_COLOUR = "type_and_colour"
PATTERN = "pattern"
# Stems of the words in a product's name that describe its pattern: print, printed, checks, …
PATTERN_WORD = re.compile(r"\b(check|floral|graphic|polo|print|solid|stripe)", re.IGNORECASE)
PHOTO_CLASS = "photo_class"
CATALOGUE, PHOTOS = "catalogue", "photos"
# The folders of a ZIP of photos.
GALLERY, QUERIES = "train", "validation"
DEFAULT_QUERIES = 500
# Pictures are checked by decoding them to this size, which is small because that is faster.
CHECK_SIDE = 32
Rows = NDArray[np.int64]
Labels = NDArray[np.str_]
Progress = Callable[[str, int, int], None]


class EvaluationError(Exception):
    """Raised when nothing can be measured; the message says what to do about it."""


@dataclass(frozen=True)
class LabelledPicture:
    """Holds a picture and its labels by name; an empty label is unknown.

    ``sha256`` is the hash of the picture's file, empty until the file has been read.
    """

    id: str
    labels: dict[str, str]
    read: Callable[[], bytes]
    sha256: str = ""


@dataclass(frozen=True)
class Dataset:
    """Holds pictures. Those at the rows ``queries`` are searched with, among the rows ``gallery``.

    Queries may also be in the gallery, because a query never finds itself. ``damaged`` lists the
    ids of unreadable pictures, which were left out.
    """

    name: str
    source: str
    pictures: list[LabelledPicture]
    queries: Rows
    gallery: Rows
    labels: tuple[str, ...]
    damaged: list[str]

    @property
    def digest(self) -> str:
        """Return a hash of all pictures in their order."""
        return digest_of(self.pictures)

    def column(self, label: str) -> Labels:
        """Return the values of this label for all pictures."""
        return np.array([picture.labels[label] for picture in self.pictures])


@contextmanager
def open_catalogue(
    path: Path | None,
    ids: Path | None,
    seed: int,
    progress: Progress,
    *,
    exclude_queries: bool = False,
) -> Iterator[Dataset]:
    """Open a catalogue, or the shop's without ``path``, as a dataset of its products.

    The queries are the products listed in the file ``ids``, or 500 chosen by the seed. They are in
    the gallery too, unless ``exclude_queries`` is set. Raises ``EvaluationError``.
    """
    query_ids = None if ids is None else read_ids(ids)
    try:
        with open_entries(path) as entries:
            pictures = [_product(entry) for entry in sorted(entries, key=lambda entry: entry.id)]
            if query_ids is not None and ids is not None:
                _check_known(query_ids, {picture.id for picture in pictures}, ids)
            kept, damaged = keep_readable(pictures, progress)
            queries = _find(kept, query_ids) if query_ids is not None else _draw(len(kept), seed)
            labels = (*PRODUCT_LABELS, TYPE_AND_COLOUR, PATTERN)
            name, gallery = path.name if path else "the shop", np.arange(len(kept))
            if exclude_queries:
                gallery = np.setdiff1d(gallery, queries)
            dataset = Dataset(CATALOGUE, name, kept, queries, gallery, labels, damaged)
            _check_size(dataset)
            yield dataset
    except TrainingError as error:
        raise EvaluationError(str(error)) from error


@contextmanager
def open_photos(path: Path, progress: Progress) -> Iterator[Dataset]:
    """Open a ZIP whose folders train/CLASS/ are the gallery and validation/CLASS/ the queries.

    Raises ``EvaluationError``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            store = ZipStore(archive)
            named = [(_part_and_class(name), name) for name in store.names()]
            pictures = [
                LabelledPicture(name, {PHOTO_CLASS: place[1]}, partial(_read_photo, archive, name))
                for place, name in named
                if place
            ]
            if not pictures:
                raise EvaluationError(
                    f"{path} holds no pictures in {GALLERY}/CLASS/ and {QUERIES}/CLASS/. Put "
                    "the gallery into the first, the queries into the second."
                )
            kept, damaged = keep_readable(pictures, progress)
            parts = np.array([picture.id.split("/")[-3] for picture in kept])
            queries, gallery = (np.flatnonzero(parts == part) for part in (QUERIES, GALLERY))
            labels, name = (PHOTO_CLASS,), path.name
            dataset = Dataset(PHOTOS, name, kept, queries, gallery, labels, damaged)
            _check_size(dataset)
            yield dataset
    except (OSError, zipfile.BadZipFile, ImportProblem) as error:
        raise EvaluationError(f"{path} cannot be read as a ZIP of photos: {error}") from error


def labels_match(label: str, wanted: Labels | str, others: Labels) -> NDArray[np.bool_]:
    """Return whether labels match, element by element; patterns match if they share a word."""
    match = np.equal if label != PATTERN else np.vectorize(_share_word, otypes=[bool])
    matches: NDArray[np.bool_] = match(wanted, others)
    return matches


def _share_word(one: str, other: str) -> bool:
    return not set(one.split()).isdisjoint(other.split())


def read_ids(path: Path) -> list[str]:
    """Read ids from a file with one per line, dropping duplicates. Raises ``EvaluationError``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"{path} cannot be read: {error}. Name a text file with one id a line."
        ) from error
    ids = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not ids:
        raise EvaluationError(f"{path} is empty; it should hold one id a line.")
    return ids


def keep_readable(
    pictures: Sequence[LabelledPicture], progress: Progress
) -> tuple[list[LabelledPicture], list[str]]:
    """Return the pictures that can be decoded, with hashes, and the ids of the others."""
    kept, damaged = [], []
    for done, picture in enumerate(pictures, 1):
        progress("pictures", done, len(pictures))
        try:
            content = picture.read()
            decode(content, CHECK_SIDE)
        except Exception:  # whatever a decoder raises; the report lists the picture as damaged
            damaged.append(picture.id)
            continue
        kept.append(replace(picture, sha256=hashlib.sha256(content).hexdigest()))
    return kept, damaged


def digest_of(pictures: Sequence[LabelledPicture]) -> str:
    return hashlib.sha256("".join(each.sha256 for each in pictures).encode()).hexdigest()


def _product(entry: Entry) -> LabelledPicture:
    category, *attributes = entry.labels
    labels = dict(zip(PRODUCT_LABELS, (category, entry.parent, *attributes), strict=True))
    colour = labels["base_colour"]
    labels[TYPE_AND_COLOUR] = f"{colour} {category}" if colour and category else ""
    labels[PATTERN] = pattern_of(entry.name)
    return LabelledPicture(entry.id, labels, entry.read)


def pattern_of(name: str) -> str:
    """Return the pattern words of a product's name, such as "polo stripe"; empty if it has none."""
    return " ".join(sorted({word.lower() for word in PATTERN_WORD.findall(name)}))


def _read_photo(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a photo as photo search would store it."""
    return sanitise(archive.read(name)).jpeg


def _part_and_class(name: str) -> tuple[str, str] | None:
    """Return the last two folders of a picture's path, or ``None`` for other files."""
    parts = name.split("/")
    suffix = f".{parts[-1].rpartition('.')[2]}"
    if len(parts) < 3 or parts[-3] not in (GALLERY, QUERIES) or not PICTURE_SUFFIX.match(suffix):
        return None
    return parts[-3], parts[-2]


def _check_known(wanted: Sequence[str], known: set[str], path: Path) -> None:
    unknown = [each for each in wanted if each not in known]
    if unknown:
        raise EvaluationError(
            f"{len(unknown):,} of the {len(wanted):,} ids in {path} are no products with a picture "
            f"in this catalogue: {', '.join(unknown[:5])}{' …' if len(unknown) > 5 else ''}. "
            "Is it the right catalogue? Remove them from the file otherwise."
        )


def _find(pictures: Sequence[LabelledPicture], ids: Sequence[str]) -> Rows:
    """Return the rows of the pictures with these ids; damaged pictures have no row."""
    rows = {picture.id: row for row, picture in enumerate(pictures)}
    return np.array(sorted(rows[each] for each in ids if each in rows), dtype=np.int64)


def _draw(count: int, seed: int) -> Rows:
    rng = np.random.default_rng([seed, 1])
    return np.sort(rng.choice(count, min(count, DEFAULT_QUERIES), replace=False))


def _check_size(dataset: Dataset) -> None:
    """Raise ``EvaluationError`` unless each query can have five neighbours."""
    if len(dataset.gallery) <= K or not len(dataset.queries):
        raise EvaluationError(
            f"{dataset.source} has {len(dataset.gallery)} pictures in the gallery and "
            f"{len(dataset.queries)} queries that can be read "
            f"({len(dataset.damaged)} damaged); at least {K + 1} and 1 are needed."
        )
