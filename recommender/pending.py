"""Which pictures still need a vector: claim them, give them one, park what cannot be read.

PostgreSQL is the to-do list: a NULL vector is work. A claim counts an attempt before anything is
decoded, so a picture that kills its worker is counted too. A picture tried before is claimed
alone, so its neighbours in the batch are not blamed for it.

Two models may look at one picture, the active one first: ``attempts`` is its, until it has a vector
or gave up. What comes after (from 0 in the one case, from ``MAX_ATTEMPTS`` in the other) is the
second model's, so neither stops the other.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection, connections, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now
from pgvector import HalfVector
from pgvector.psycopg.halfvec import HalfVectorBinaryDumper

from recommender.models import EmbeddingModel
from recommender.preprocessing import Pixels, decode
from recommender.rotation import Vectors
from recommender.runtime import embedder
from shop.catalogue.images.storage import PostgresStorage
from shop.catalogue.models import ProductImage, StoredFile

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 3
# Batches in the network at a time: 151 pictures/s on two cores, with one 140.
STREAMS = 2
# Of pictures with 1,500 x 2,000 pixels 65/s, with one thread 53; of thumbnails as many with either.
DECODERS = 2
# Batches claimed and not written. The first 300 pictures that go into an index of a million take
# 30 ms each, as it is read from the disk, and then 2: with 3 the network idled for 5 s, with 8 0.5.
UNWRITTEN = 8
UNTRIED = Q(attempts=0)


@dataclass
class Batch:
    images: list[tuple[int, str]]  # primary key and file
    pixels: list[Pixels]


@dataclass
class Outcome:
    embedded: int = 0
    failed: int = 0


@dataclass
class Queue:
    """Claims by key, each on from the one before.

    What was embedded before it leaves dead entries in the index. To pass them all each time took
    11 ms a batch after 25,000 pictures beside an open transaction, such as a backup's.
    """

    model: EmbeddingModel
    last: int = 0

    def claim(self) -> list[tuple[int, str]]:
        """Pictures not tried before, or one that was; once more from the first before it ends."""
        claimed = self._untried()
        if not claimed and self.last:
            self.last = 0
            claimed = self._untried()
        if claimed:
            self.last = claimed[-1][0]
        return claimed or _claim(self.model, ~UNTRIED, 1)

    def _untried(self) -> list[tuple[int, str]]:
        return _claim(self.model, UNTRIED & Q(pk__gt=self.last), settings.EMBED_BATCH)


def pending(model: EmbeddingModel) -> QuerySet[ProductImage]:
    """The pictures without a vector of this model that are not parked."""
    return ProductImage.objects.filter(**{f"{model.column}__isnull": True}).filter(_may_try(model))


def given_up(model: EmbeddingModel) -> QuerySet[ProductImage]:
    """The pictures without a vector of this model that are parked for it."""
    return ProductImage.objects.filter(**{f"{model.column}__isnull": True}).exclude(_may_try(model))


def _may_try(model: EmbeddingModel) -> Q:
    active = EmbeddingModel.objects.active()
    if active.pk == model.pk:
        return Q(attempts__lt=MAX_ATTEMPTS)
    waits_for_active = Q(**{f"{active.column}__isnull": True})
    after = Q(attempts__gte=MAX_ATTEMPTS, attempts__lt=2 * MAX_ATTEMPTS)
    before = Q(attempts__lt=MAX_ATTEMPTS)
    # The active model's turn is no reason to give up.
    return before | waits_for_active & after


def claimable(model: EmbeddingModel) -> QuerySet[ProductImage]:
    """Those that nobody is working on now."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    images, active = pending(model).filter(free), EmbeddingModel.objects.active()
    if active.pk == model.pk:
        return images
    # Not before the active model has had its turn.
    return images.exclude(Q(**{f"{active.column}__isnull": True}, attempts__lt=MAX_ATTEMPTS))


def parked() -> QuerySet[ProductImage]:
    """The pictures that were given up; ``failure`` says why."""
    return ProductImage.objects.filter(attempts__gte=MAX_ATTEMPTS)


def with_state(images: QuerySet[ProductImage]) -> QuerySet[ProductImage]:
    """Each with ``state``: done, waiting or parked, by the active model."""
    done = Q(**{f"{EmbeddingModel.objects.active().column}__isnull": False})
    parked = Q(attempts__gte=MAX_ATTEMPTS)
    words = [When(done, Value("done")), When(parked, Value("parked"))]
    return images.annotate(state=Case(*words, default=Value("waiting")))


def retry(images: QuerySet[ProductImage]) -> int:
    """Take pictures out of the car park. Returns how many."""
    return images.update(attempts=0, claimed_until=None, failure="")


def embed_pending(
    model: EmbeddingModel,
    *,
    seconds: float | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Outcome:
    """Embed until nothing is left to claim, or for about ``seconds``.

    Two batches are in the network, each on half of the cores, so that what reads and decodes the
    next or writes the last holds up only one of them.
    """
    network = embedder(model.name, STREAMS)
    queue, outcome = Queue(model), Outcome()
    stop = time.monotonic() + seconds if seconds else None
    with (
        ThreadPoolExecutor(1) as reader,
        ThreadPoolExecutor(DECODERS) as decoders,
        ThreadPoolExecutor(STREAMS) as streams,
        ThreadPoolExecutor(1) as writer,
    ):
        looking: deque[Future[Vectors]] = deque()
        writing: deque[Future[int]] = deque()
        coming = reader.submit(_next_batch, queue, network.side, decoders, outcome)
        while (batch := coming.result()) is not None:
            if stop is None or time.monotonic() < stop:
                coming = reader.submit(_next_batch, queue, network.side, decoders, outcome)
            else:
                coming = reader.submit(lambda: None)
            if batch.images:
                vectors = streams.submit(network.embed, batch.pixels)
                looking.append(vectors)
                writing.append(writer.submit(_write_when_there, model, batch.images, vectors))
            if len(looking) > STREAMS:
                wait([looking.popleft()])
            if len(writing) > UNWRITTEN:
                outcome.embedded += writing.popleft().result()
            progress(len(batch.images))
        outcome.embedded += sum(written.result() for written in writing)
        for thread in (reader, writer):
            thread.submit(connections.close_all).result()
    return outcome


def _next_batch(
    queue: Queue, side: int, decoders: ThreadPoolExecutor, outcome: Outcome
) -> Batch | None:
    """Claim and decode; ``None`` when there is nothing to claim."""
    claimed = queue.claim()
    if not claimed:
        return None
    contents = _read([file for _id, file in claimed])
    decoding = [decoders.submit(_decode, contents, file, side) for _id, file in claimed]
    batch = Batch([], [])
    for (image_id, file), coming in zip(claimed, decoding, strict=True):
        try:
            batch.pixels.append(coming.result())
            batch.images.append((image_id, file))
        except Exception as error:  # decoders raise anything; one picture must not stop the rest
            _fail(image_id, file, error)
            outcome.failed += 1
    return batch


def _decode(contents: dict[str, bytes], file: str, side: int) -> Pixels:
    if file not in contents:
        raise FileNotFoundError(f"The picture's file {file} is missing")
    return decode(contents[file], side)


def _claim(model: EmbeddingModel, tried: Q, limit: int) -> list[tuple[int, str]]:
    """Two workers never get the same picture, and a claim outlives no crash for long."""
    with transaction.atomic():
        if not _owns_column(model):
            return []
        free = claimable(model).filter(tried).order_by("pk").select_for_update(skip_locked=True)
        claimed = list(free.values_list("pk", "file")[:limit])
        until = Now() + timedelta(seconds=settings.EMBED_LEASE_SECONDS)
        images = ProductImage.objects.filter(pk__in=[pk for pk, _file in claimed])
        images.update(attempts=F("attempts") + 1, claimed_until=until)
    return claimed


def _owns_column(model: EmbeddingModel) -> bool:
    """Whether it may still be filled; until the end of the transaction nobody can take it away."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state FROM recommender_embeddingmodel WHERE id = %s FOR SHARE", [model.pk]
        )
        row = cursor.fetchone()
    return row is not None and row[0] in EmbeddingModel.FILLED


def _read(files: list[str]) -> dict[str, bytes]:
    """The originals by name: one query where they are in PostgreSQL."""
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


def _fail(image_id: int, file: str, error: Exception) -> None:
    """Note the reason; the claim runs out at once, so the next try need not wait for it.

    Of a picture that was replaced meanwhile this says nothing.
    """
    logger.warning("Picture %s has no vector: %s", image_id, error)
    reason = f"{type(error).__name__}: {error}"[:255]
    ProductImage.objects.filter(pk=image_id, file=file).update(failure=reason, claimed_until=None)


def _write_when_there(
    model: EmbeddingModel, images: list[tuple[int, str]], vectors: Future[Vectors]
) -> int:
    return _write(model, images, vectors.result())


def _write(model: EmbeddingModel, images: list[tuple[int, str]], vectors: Vectors) -> int:
    """One UPDATE for the batch, parameters in binary.

    A picture that has a vector keeps it; one whose file was replaced meanwhile still waits; a model
    that lost its column writes nothing. What the active model gave up stays its to give up.
    """
    active = EmbeddingModel.objects.active()
    second = "FALSE" if active.pk == model.pk else f"image.{active.column} IS NULL"
    parked = f"{second} AND image.attempts > {MAX_ATTEMPTS}"
    values = ", ".join(["(%s::bigint, %s::text, %b::halfvec)"] * len(images))
    statement = f"""
        UPDATE catalogue_productimage AS image
        SET {model.column} = new.vector, claimed_until = NULL,
            attempts = CASE WHEN {parked} THEN {MAX_ATTEMPTS} ELSE 0 END,
            failure = CASE WHEN {parked} THEN image.failure ELSE '' END
        FROM (VALUES {values}) AS new (id, file, vector)
        WHERE image.id = new.id AND image.file = new.file AND image.{model.column} IS NULL
    """  # noqa: S608 - the column is one of two names
    parameters: list[object] = []
    for image, vector in sorted(zip(images, vectors, strict=True), key=lambda pair: pair[0]):
        parameters += (*image, HalfVector(vector))
    with transaction.atomic():
        if not _owns_column(model):
            _release([image_id for image_id, _file in images])
            return 0
        with psycopg.Cursor(connection.connection) as cursor:
            # pgvector's register_vector makes classes that psycopg never forgets: 22 KB a batch.
            cursor.adapters.register_dumper(HalfVector, HalfVectorBinaryDumper)
            cursor.execute(statement, parameters)
            return cursor.rowcount


def _release(image_ids: list[int]) -> None:
    """As if they had not been claimed."""
    claimed = ProductImage.objects.filter(pk__in=image_ids, attempts__gt=0)
    claimed.update(attempts=F("attempts") - 1, claimed_until=None)
