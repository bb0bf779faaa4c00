"""Read and check the pictures of a batch of rows in several threads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from django.db.models import Q

from shop.catalogue.images.pictures import PictureError, read_picture
from shop.catalogue.models import ProductImage
from shop.imports.errors import RowError
from shop.imports.parsing.rows import Row
from shop.imports.parsing.source import Source

BATCH_ROWS = 500
MAX_BATCH_ROWS = 5000
# Large pictures make smaller batches, to limit memory.
BATCH_BYTES = 24 * 1024 * 1024
# Each task has several rows, because submitting a task costs as much as decoding a thumbnail.
TASK_ROWS = 25


@dataclass(frozen=True)
class PreparedPicture:
    """Holds a picture and its name in the storage.

    ``known`` means that the product already had the picture when the row was prepared. The
    product may lose the picture before the row is written.
    """

    name: str
    width: int
    height: int
    jpeg: bytes
    known: bool


@dataclass(frozen=True)
class PreparedRow:
    """Holds a row and its pictures, or the ``problem`` with one of them.

    ``pictures`` is ``None`` if the imported catalogue has no pictures for the row; an existing
    product then keeps its own.
    """

    row: Row
    pictures: tuple[PreparedPicture, ...] | None = None
    problem: str = ""


Sizes = dict[str, tuple[int, int]]
PendingRows = list[Future[list[PreparedRow]]]


def batches(rows: Iterable[Row], source: Source) -> Iterator[list[Row]]:
    """Group rows into batches of ``BATCH_ROWS`` rows or ``BATCH_BYTES`` of pictures.

    Consecutive rows of one product are in the same batch, up to ``MAX_BATCH_ROWS``.
    """
    batch: list[Row] = []
    size = 0
    for row in rows:
        is_full = len(batch) >= BATCH_ROWS or size >= BATCH_BYTES
        same_product = bool(batch) and row.external_id == batch[-1].external_id
        if is_full and (not same_product or len(batch) >= MAX_BATCH_ROWS):
            yield batch
            batch, size = [], 0
        batch.append(row)
        if not row.described_on:
            size += sum(source.picture_size(name) for name in source.pictures_of(row.external_id))
    if batch:
        yield batch


def prepare_ahead(
    groups: Iterable[list[Row]], source: Source, pool: Executor
) -> Iterator[list[PreparedRow]]:
    """Yield prepared batches.

    Threads prepare the next batch while the caller writes the current one.
    """
    pending: PendingRows | None = None
    for group in groups:
        started = _start(group, source, pool)
        if pending is not None:
            yield _results(pending)
        pending = started
    if pending is not None:
        yield _results(pending)


def _start(rows: list[Row], source: Source, pool: Executor) -> PendingRows:
    known = _known_pictures(rows)
    parts = (rows[i : i + TASK_ROWS] for i in range(0, len(rows), TASK_ROWS))
    return [pool.submit(_prepare_rows, part, source, known) for part in parts]


def _results(pending: PendingRows) -> list[PreparedRow]:
    return [prepared for future in pending for prepared in future.result()]


def _known_pictures(rows: list[Row]) -> dict[str, Sizes]:
    """Return the sizes of the pictures that products already have, by external id and file name."""
    wanted = Q(product__external_id__in=[row.external_id for row in rows])
    values = ProductImage.objects.filter(wanted).values_list(
        "product__external_id", "file", "width", "height"
    )
    known: dict[str, Sizes] = {}
    for external_id, file, width, height in values:
        known.setdefault(external_id or "", {})[file] = (width, height)
    return known


def _prepare_rows(rows: list[Row], source: Source, known: dict[str, Sizes]) -> list[PreparedRow]:
    return [_prepare_row(row, source, known.get(row.external_id, {})) for row in rows]


def _prepare_row(row: Row, source: Source, known: Sizes) -> PreparedRow:
    names = source.pictures_of(row.external_id)
    if not names or row.described_on:
        return PreparedRow(row)
    pictures: dict[str, PreparedPicture] = {}  # a picture that occurs twice is used once
    for name in names:
        try:
            picture = _prepare_picture(source.read_picture_file(name), known)
        except RowError as error:
            return PreparedRow(row, problem=str(error))
        except PictureError as error:
            return PreparedRow(row, problem=f"{name}: {error}")
        pictures.setdefault(picture.name, picture)
    return PreparedRow(row, tuple(pictures.values()))


def _prepare_picture(data: bytes, known: Sizes) -> PreparedPicture:
    # Known pictures are not decoded: a clean JPEG is stored unchanged, so an equal hash means the
    # same picture.
    name = f"{hashlib.sha256(data).hexdigest()}.jpg"
    if name in known:
        return PreparedPicture(name, *known[name], data, True)
    picture = read_picture(data, timeout=None)
    name = name if picture.jpeg is data else picture.name
    return PreparedPicture(name, *picture.image.size, picture.jpeg, name in known)
