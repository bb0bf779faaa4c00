"""Open what is searched with and among: a catalogue with a list of ids, or photos in a ZIP."""

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

COUNT = 5
PRODUCT_LABELS = ("article_type", "sub_category", "base_colour", "gender", "usage")
BOTH = "type_and_colour"
PATTERN = "pattern"
# Beginnings of the words by which a product's name tells its pattern: print, printed, checks, …
PATTERN_WORD = re.compile(r"\b(check|floral|graphic|polo|print|solid|stripe)", re.IGNORECASE)
PHOTO_CLASS = "photo_class"
CATALOGUE, PHOTOS = "catalogue", "photos"
# The folders of a ZIP of photos: what is searched among, and what with.
GALLERY, QUERIES = "train", "validation"
DRAWN = 500
# Whether a picture can be decoded does not depend on the size.
CHECK_SIDE = 32
Rows = NDArray[np.int64]
Labels = NDArray[np.str_]
Progress = Callable[[str, int, int], None]


class EvaluationError(Exception):
    """It cannot be measured; the message says what to do about it."""


@dataclass(frozen=True)
class Picture:
    """``labels`` by name; an empty one is unknown. ``sha256`` is of its bytes, once read."""

    id: str
    labels: dict[str, str]
    read: Callable[[], bytes]
    sha256: str = ""


@dataclass(frozen=True)
class Collection:
    """``queries`` and ``gallery`` are rows of ``pictures``; a query does not find itself.

    ``damaged`` are ids that were left out.
    """

    name: str
    source: str
    pictures: list[Picture]
    queries: Rows
    gallery: Rows
    labels: tuple[str, ...]
    damaged: list[str]

    @property
    def digest(self) -> str:
        """Of all pictures in their order."""
        return digest_of(self.pictures)

    def column(self, label: str) -> Labels:
        return np.array([picture.labels[label] for picture in self.pictures])


@contextmanager
def open_catalogue(
    path: Path | None,
    ids: Path | None,
    seed: int,
    progress: Progress,
    *,
    exclude_queries: bool = False,
) -> Iterator[Collection]:
    """Open all products with the queries among them; without ``ids``, 500 drawn by the seed.

    With ``exclude_queries`` no query is in the gallery. Raises ``EvaluationError``.
    """
    wanted = None if ids is None else read_ids(ids)
    try:
        with open_entries(path) as entries:
            pictures = [_product(entry) for entry in sorted(entries, key=lambda entry: entry.id)]
            if wanted is not None and ids is not None:
                _check_known(wanted, {picture.id for picture in pictures}, ids)
            kept, damaged = keep_readable(pictures, progress)
            queries = _find(kept, wanted) if wanted is not None else _draw(len(kept), seed)
            labels = (*PRODUCT_LABELS, BOTH, PATTERN)
            name, gallery = path.name if path else "the shop", np.arange(len(kept))
            if exclude_queries:
                gallery = np.setdiff1d(gallery, queries)
            collection = Collection(CATALOGUE, name, kept, queries, gallery, labels, damaged)
            _check_size(collection)
            yield collection
    except TrainingError as error:
        raise EvaluationError(str(error)) from error


@contextmanager
def open_photos(path: Path, progress: Progress) -> Iterator[Collection]:
    """``train/CLASS/`` and ``validation/CLASS/`` of a ZIP. Raises ``EvaluationError``."""
    try:
        with zipfile.ZipFile(path) as archive:
            store = ZipStore(archive)
            named = [(_place(name), name) for name in store.names()]
            pictures = [
                Picture(name, {PHOTO_CLASS: place[1]}, partial(_read_photo, archive, name))
                for place, name in named
                if place
            ]
            if not pictures:
                raise EvaluationError(
                    f"{path} holds no pictures in {GALLERY}/CLASS/ and {QUERIES}/CLASS/. Put "
                    "those to search among into the first, those to search with into the second."
                )
            kept, damaged = keep_readable(pictures, progress)
            parts = np.array([picture.id.split("/")[-3] for picture in kept])
            queries, gallery = (np.flatnonzero(parts == part) for part in (QUERIES, GALLERY))
            labels, name = (PHOTO_CLASS,), path.name
            collection = Collection(PHOTOS, name, kept, queries, gallery, labels, damaged)
            _check_size(collection)
            yield collection
    except (OSError, zipfile.BadZipFile, ImportProblem) as error:
        raise EvaluationError(f"{path} cannot be read as a ZIP of photos: {error}") from error


def agreeing(label: str, wanted: Labels | str, others: Labels) -> NDArray[np.bool_]:
    """Whether labels are the same, element by element; patterns agree where they share a word."""
    same = np.equal if label != PATTERN else np.vectorize(_share_word, otypes=[bool])
    agree: NDArray[np.bool_] = same(wanted, others)
    return agree


def _share_word(one: str, other: str) -> bool:
    return not set(one.split()).isdisjoint(other.split())


def read_ids(path: Path) -> list[str]:
    """One id a line, each once. Raises ``EvaluationError``."""
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
    pictures: Sequence[Picture], progress: Progress
) -> tuple[list[Picture], list[str]]:
    """Those that can be decoded, with their hashes, and the ids of the others."""
    kept, damaged = [], []
    for done, picture in enumerate(pictures, 1):
        progress("pictures", done, len(pictures))
        try:
            content = picture.read()
            decode(content, CHECK_SIDE)
        except Exception:  # decoders raise anything; the report names it
            damaged.append(picture.id)
            continue
        kept.append(replace(picture, sha256=hashlib.sha256(content).hexdigest()))
    return kept, damaged


def digest_of(pictures: Sequence[Picture]) -> str:
    return hashlib.sha256("".join(each.sha256 for each in pictures).encode()).hexdigest()


def _product(entry: Entry) -> Picture:
    category, *attributes = entry.labels
    labels = dict(zip(PRODUCT_LABELS, (category, entry.parent, *attributes), strict=True))
    colour = labels["base_colour"]
    labels[BOTH] = f"{colour} {category}" if colour and category else ""
    labels[PATTERN] = pattern_of(entry.name)
    return Picture(entry.id, labels, entry.read)


def pattern_of(name: str) -> str:
    """Return the pattern words of a product's name, such as "polo stripe"; empty if it has none."""
    return " ".join(sorted({word.lower() for word in PATTERN_WORD.findall(name)}))


def _read_photo(archive: zipfile.ZipFile, name: str) -> bytes:
    """As the photo page would keep it."""
    return sanitise(archive.read(name)).jpeg


def _place(name: str) -> tuple[str, str] | None:
    """The part and the class that a picture's path names, or nothing."""
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


def _find(pictures: Sequence[Picture], ids: Sequence[str]) -> Rows:
    """Their rows; a damaged one has none and is named in the report."""
    rows = {picture.id: row for row, picture in enumerate(pictures)}
    return np.array(sorted(rows[each] for each in ids if each in rows), dtype=np.int64)


def _draw(count: int, seed: int) -> Rows:
    rng = np.random.default_rng([seed, 1])
    return np.sort(rng.choice(count, min(count, DRAWN), replace=False))


def _check_size(collection: Collection) -> None:
    """A query finds five others."""
    if len(collection.gallery) <= COUNT or not len(collection.queries):
        raise EvaluationError(
            f"{collection.source} has {len(collection.gallery)} pictures to search among and "
            f"{len(collection.queries)} to search with that can be read "
            f"({len(collection.damaged)} damaged); at least {COUNT + 1} and 1 are needed."
        )
