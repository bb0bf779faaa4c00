"""Embed pending images: claim them, decode them, run the network, write the vectors."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import psycopg
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection, connections, transaction
from pgvector import HalfVector, Vector
from pgvector.psycopg.halfvec import HalfVectorBinaryDumper
from pgvector.psycopg.vector import VectorBinaryDumper

from recommender.duplicates.grouping import group_copies
from recommender.embedding.inference import Vectors, embedder
from recommender.embedding.model_folder import ModelFolderError
from recommender.embedding.preprocessing import Prepared, prepare
from recommender.embedding.queue import ClaimCursor, fail, fail_abandoned, lock_if_in_use, release
from recommender.models import EmbeddingModel
from shop.catalogue.images.storage import PostgresStorage
from shop.catalogue.models import StoredFile

logger = logging.getLogger(__name__)
# Batches that the network processes at a time: two give 151 images/s on two cores, one gives 140.
INFERENCE_STREAMS = 2
# Two threads decode 65 images/s of 1,500 x 2,000 pixels, one decodes 53; thumbnails are no slower.
DECODERS = 2
# The maximum number of batches that are claimed but not yet written. The first 300 inserts into an
# index of a million take 30 ms each, because the index is read from disk, later ones 2 ms: with a
# limit of 3 the network idled for 5 s, with 8 for 0.5 s.
MAX_PENDING_WRITES = 8
# Delay before rows that a sale or an import has locked are tried again, while their claim lasts.
LOCK_RETRY_SECONDS = 0.5
# Locked rows are skipped, because sales and imports lock rows in another order, and waiting for
# them could end in a deadlock.
UNLOCKED = """
SELECT image_id FROM {table} WHERE image_id = ANY(%s) AND status = 'pending'
ORDER BY image_id FOR NO KEY UPDATE SKIP LOCKED
"""
WRITE = """
UPDATE {table} AS embedded
SET embedding = new.embedding, colour = new.colour, duplicate_group = embedded.image_id,
    status = 'embedded', attempts = 0, claimed_until = NULL, failure = ''
FROM (VALUES {values}) AS new (id, file, embedding, colour)
JOIN catalogue_productimage AS image ON image.id = new.id AND image.file = new.file
WHERE embedded.image_id = new.id
"""
VALUES = "(%s::bigint, %s::text, %b::halfvec, %b::vector)"


@dataclass(frozen=True)
class Row:
    """Holds the values to write for one image."""

    image_id: int
    file: str
    prepared: Prepared
    vector: Vectors


@dataclass
class Batch:
    """Holds images as (id, file) and the decoded pixels and colour of each."""

    images: list[tuple[int, str]] = field(default_factory=list)
    prepared: list[Prepared] = field(default_factory=list)


@dataclass
class Outcome:
    """Counts the images that were embedded and those that failed."""

    embedded: int = 0
    failed: int = 0


def embed_pending(
    model: EmbeddingModel,
    *,
    seconds: float | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Outcome:
    """Embed images until none is left to claim, or for about ``seconds``.

    Two batches run in the network at a time, each on half of the cores, while other threads decode
    the next batch and write the last. Without a usable model folder no image is claimed, so that
    no attempt is counted.
    """
    try:
        network = embedder(model, INFERENCE_STREAMS)
    except ModelFolderError as error:
        logger.error("Images are not embedded: %s", error)
        return Outcome()
    outcome = Outcome(failed=fail_abandoned(model))
    cursor = ClaimCursor(model)
    stop = time.monotonic() + seconds if seconds else None
    with (
        ThreadPoolExecutor(1) as reader,
        ThreadPoolExecutor(DECODERS) as decoders,
        ThreadPoolExecutor(INFERENCE_STREAMS) as streams,
        ThreadPoolExecutor(1) as writer,
    ):
        in_flight: deque[Future[Vectors]] = deque()
        pending_writes: deque[Future[int]] = deque()
        next_batch = reader.submit(_next_batch, cursor, network.input_size, decoders, outcome)
        while (batch := next_batch.result()) is not None:
            if stop is None or time.monotonic() < stop:
                next_batch = reader.submit(
                    _next_batch, cursor, network.input_size, decoders, outcome
                )
            else:
                next_batch = reader.submit(lambda: None)
            if batch.images:
                pixels = [each.pixels for each in batch.prepared]
                vectors = streams.submit(network.embed, pixels)
                in_flight.append(vectors)
                pending_writes.append(writer.submit(_write_when_done, model, batch, vectors))
            if len(in_flight) > INFERENCE_STREAMS:
                wait([in_flight.popleft()])
            if len(pending_writes) > MAX_PENDING_WRITES:
                outcome.embedded += pending_writes.popleft().result()
            progress(len(batch.images))
        outcome.embedded += sum(written.result() for written in pending_writes)
        for thread in (reader, writer):
            thread.submit(connections.close_all).result()
    return outcome


def _next_batch(
    cursor: ClaimCursor, size: int, decoders: ThreadPoolExecutor, outcome: Outcome
) -> Batch | None:
    """Claim and decode a batch; return ``None`` if there is nothing to claim."""
    claimed = cursor.claim()
    if not claimed:
        return None
    contents = _read([file for _id, file in claimed])
    decoding = [decoders.submit(_prepare, contents, file, size) for _id, file in claimed]
    batch = Batch()
    for (image_id, file), future in zip(claimed, decoding, strict=True):
        try:
            batch.prepared.append(future.result())
            batch.images.append((image_id, file))
        except (
            Exception
        ) as error:  # decoders raise any exception, and one image must not stop the rest
            logger.warning("Picture %s has no embedding: %s", image_id, error)
            fail(cursor.model, image_id, file, error)
            outcome.failed += 1
    return batch


def _read(files: list[str]) -> dict[str, bytes]:
    """Return the contents of files by name, in one query if they are stored in PostgreSQL."""
    storage = storages["pictures"]
    if isinstance(storage, PostgresStorage):
        rows = StoredFile.objects.filter(pk__in=files).values_list("name", "content")
        return {name: bytes(content) for name, content in rows}
    contents = {}
    for name in files:
        if storage.exists(name):
            with storage.open(name) as file:
                contents[name] = file.read()
    return contents


def _prepare(contents: dict[str, bytes], file: str, size: int) -> Prepared:
    if file not in contents:
        raise FileNotFoundError(f"The picture's file {file} is missing")
    return prepare(contents[file], size)


def _write_when_done(model: EmbeddingModel, batch: Batch, vectors: Future[Vectors]) -> int:
    """Write the batch when its vectors are computed, retrying locked rows; return the row count."""
    parts = zip(batch.images, batch.prepared, vectors.result(), strict=True)
    rows = [Row(*image, prepared, vector) for image, prepared, vector in parts]
    until = time.monotonic() + settings.EMBED_LEASE_SECONDS
    written = 0
    while rows:
        count, rows = _write(model, rows)
        written += count
        if rows and time.monotonic() > until:
            break
        if rows:
            time.sleep(LOCK_RETRY_SECONDS)
    return written


@transaction.atomic
def _write(model: EmbeddingModel, rows: list[Row]) -> tuple[int, list[Row]]:
    """Write all rows that are not locked, in one UPDATE; return their number, and the locked rows.

    An image whose file was replaced meanwhile remains pending. If the model no longer owns its
    table, nothing is written and the claims are released.
    """
    ids = [row.image_id for row in rows]
    if not lock_if_in_use(model):
        release(model, ids)
        return 0, []
    pending = set(
        model.embeddings.filter(pk__in=ids, status="pending").values_list("pk", flat=True)
    )
    with connection.cursor() as cursor:
        cursor.execute(UNLOCKED.format(table=model.table), [ids])
        unlocked = {image_id for (image_id,) in cursor.fetchall()}
    written = _update(model, [row for row in rows if row.image_id in unlocked])
    group_copies(model, unlocked)
    return written, [row for row in rows if row.image_id in pending - unlocked]


def _update(model: EmbeddingModel, rows: Sequence[Row]) -> int:
    if not rows:
        return 0
    parameters: list[object] = []
    for row in rows:
        colour = Vector(row.prepared.colour)
        parameters += (row.image_id, row.file, HalfVector(row.vector), colour)
    statement = WRITE.format(table=model.table, values=", ".join([VALUES] * len(rows)))
    with psycopg.Cursor(connection.connection) as cursor:
        # pgvector's ``register_vector`` is not used, because psycopg keeps the classes that it
        # creates forever: 22 KB per batch.
        cursor.adapters.register_dumper(HalfVector, HalfVectorBinaryDumper)
        cursor.adapters.register_dumper(Vector, VectorBinaryDumper)
        cursor.execute(statement, parameters)
        return cursor.rowcount
