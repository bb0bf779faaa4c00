from __future__ import annotations

import threading
import time

import numpy as np
import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection
from psycopg._adapters_map import AdaptersMap

from recommender.embedding import worker
from recommender.embedding.inference import embedder
from recommender.embedding.preprocessing import Prepared, decode, prepare
from recommender.embedding.queue import MAX_ATTEMPTS, ClaimCursor, claimable, failed
from recommender.embedding.worker import Outcome, Row, embed_pending
from recommender.models import EmbeddingModel
from shop.catalogue.models import Product, ProductImage, StoredFile
from tests.factories import (
    embedding_of,
    make_image,
    make_product,
    make_stored_image,
    picture_bytes,
    point,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def model() -> EmbeddingModel:
    return EmbeddingModel.objects.active()


def make_broken_image(**product: str) -> ProductImage:
    """Make an image whose file is no picture."""
    image = make_image(make_product(**product))
    StoredFile.objects.create(name=image.file, content=b"no picture", size=10)
    return image


def row_to_write(image: ProductImage, **changes: str) -> Row:
    """Return the row that a worker would write for the image."""
    prepared = Prepared(np.zeros((1, 1, 3), np.uint8), np.array([25, 0, 0], np.float32))
    file = changes.get("file", image.file)
    return Row(image.pk, file, prepared, np.array(point(1), np.float32))


def statuses() -> list[str]:
    rows = EmbeddingModel.objects.active().embeddings.order_by("image")
    return list(rows.values_list("status", flat=True))


def test_every_pending_image_gets_a_unit_vector(model: EmbeddingModel) -> None:
    for colour in ("red", "green", "blue"):
        make_stored_image(make_product(), colour)
    assert embed_pending(model) == Outcome(embedded=3, failed=0)
    assert statuses() == ["embedded"] * 3
    vectors = np.array(model.embeddings.values_list("embedding", flat=True))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)


def test_the_colour_is_stored_and_the_claim_ends(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product(), "navy")
    embed_pending(model)
    row = embedding_of(image)
    seen = prepare(picture_bytes("navy"), 96)
    assert row.colour == pytest.approx(seen.colour.tolist(), abs=1)
    assert (row.duplicate_group, row.attempts, row.claimed_until, row.failure) == (
        image.pk, 0, None, ""
    )  # fmt: skip


def test_each_image_of_a_batch_gets_its_own_embedding(model: EmbeddingModel) -> None:
    make_broken_image()
    colours = ("red", "green", "blue", "white", "black")
    images = [make_stored_image(make_product(), colour) for colour in colours]
    embed_pending(model)
    network = embedder(model)
    alone = [network.embed([decode(image.read(), network.input_size)])[0] for image in images]
    stored = [embedding_of(image).embedding for image in images]
    nearest = [
        min(range(5), key=lambda place: float(((vector - alone[place]) ** 2).sum()))
        for vector in np.array(stored)
    ]
    assert nearest == [0, 1, 2, 3, 4]


def test_a_second_run_embeds_nothing(model: EmbeddingModel) -> None:
    make_stored_image(make_product())
    embed_pending(model)
    assert embed_pending(model) == Outcome(embedded=0, failed=0)


def test_an_image_that_cannot_be_read_fails_after_three_attempts(model: EmbeddingModel) -> None:
    good, bad = make_stored_image(make_product(), "red"), make_broken_image()
    assert embed_pending(model) == Outcome(embedded=1, failed=3)
    row = embedding_of(bad)
    assert (row.status, row.attempts) == ("failed", 3)
    assert row.failure.startswith("PictureError: We can’t read this file")
    assert [row.image_id for row in failed(model)] == [bad.pk]
    assert embedding_of(good).attempts == 0
    assert embed_pending(model) == Outcome(embedded=0, failed=0)


def test_a_missing_file_is_stored_as_the_failure(model: EmbeddingModel) -> None:
    image = make_image(make_product())
    embed_pending(model)
    reason = f"FileNotFoundError: The picture's file {image.file} is missing"
    assert embedding_of(image).failure == reason


def test_an_image_whose_worker_crashed_three_times_fails(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product())
    model.embeddings.update(attempts=MAX_ATTEMPTS)
    assert embed_pending(model) == Outcome(embedded=0, failed=1)
    row = embedding_of(image)
    assert (row.status, row.attempts) == ("failed", 3)


def test_an_image_claimed_by_another_worker_is_not_embedded(model: EmbeddingModel) -> None:
    make_stored_image(make_product())
    assert len(ClaimCursor(model).claim()) == 1
    assert embed_pending(model) == Outcome(embedded=0, failed=0)


def test_an_embedding_is_never_written_twice(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product())
    assert worker._write(model, [row_to_write(image)]) == (1, [])
    assert worker._write(model, [row_to_write(image)]) == (0, [])


def test_writing_many_batches_leaves_no_classes_behind(model: EmbeddingModel) -> None:
    """psycopg never forgets a class of dumpers, so new classes for each batch would leak memory."""
    known = []
    for _ in range(3):
        image = make_stored_image(make_product())
        assert worker._write(model, [row_to_write(image)]) == (1, [])
        known.append(len(AdaptersMap._optimised))
    assert known[1:] == known[:1] * 2


def test_an_image_replaced_during_inference_stays_pending(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product())
    assert worker._write(model, [row_to_write(image, file="another.jpg")]) == (0, [])
    assert [row.image_id for row in claimable(model)] == [image.pk]


def test_an_image_deleted_during_inference_is_not_written(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product())
    row = row_to_write(image)
    image.delete()
    assert worker._write(model, [row]) == (0, [])
    assert not model.embeddings.exists()


def test_a_model_that_lost_its_table_writes_nothing_and_releases_its_claim(
    model: EmbeddingModel,
) -> None:
    image = make_stored_image(make_product())
    ClaimCursor(model).claim()
    EmbeddingModel.objects.update(state="freeing")
    assert worker._write(model, [row_to_write(image)]) == (0, [])
    assert ClaimCursor(model).claim() == []
    row = model.embeddings.get()
    assert (row.status, row.attempts, row.claimed_until) == ("pending", 0, None)


def test_locked_rows_are_written_later_and_the_others_at_once(
    model: EmbeddingModel,
) -> None:
    images = [make_stored_image(make_product()) for _number in range(3)]
    rows = [row_to_write(image) for image in images]
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute(f"SELECT FROM {model.table} WHERE image_id = %s FOR UPDATE", [images[1].pk])
        assert worker._write(model, rows) == (2, [rows[1]])
        assert statuses() == ["embedded", "pending", "embedded"]
    assert worker._write(model, [rows[1]]) == (1, [])
    assert statuses() == ["embedded"] * 3


def test_a_worker_waits_for_rows_locked_by_an_import(
    model: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import locks rows until it commits; the work of the network must not be lost."""
    product = make_product()
    image = make_stored_image(product)
    held, real = threading.Event(), worker._write
    outcomes: list[Outcome] = []
    with psycopg.connect(connection.connection.info.dsn) as other:

        def write(*arguments: object) -> tuple[int, list[Row]]:
            if not held.is_set():
                change = "UPDATE catalogue_product SET gender = 'Men' WHERE id = %s"
                other.execute(change, [product.pk])
                held.set()
            return real(*arguments)  # type: ignore[arg-type]

        def embed() -> None:
            outcomes.append(embed_pending(model))
            connection.close()

        monkeypatch.setattr(worker, "_write", write)
        thread = threading.Thread(target=embed)
        thread.start()
        assert held.wait(60)
        time.sleep(2 * worker.LOCK_RETRY_SECONDS)
        assert statuses() == ["pending"]
    thread.join()
    assert outcomes == [Outcome(embedded=1, failed=0)]
    row = embedding_of(image)
    assert (row.status, row.gender) == ("embedded", "Men")


@pytest.mark.slow
def test_rows_locked_until_their_claim_expires_are_left_pending(
    model: EmbeddingModel, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.EMBED_LEASE_SECONDS = 5  # longer than decoding takes on a busy machine
    monkeypatch.setattr(worker, "LOCK_RETRY_SECONDS", 0.2)
    image = make_stored_image(make_product())
    monkeypatch.setattr(worker, "_write", lambda _model, rows: (0, rows))
    assert embed_pending(model) == Outcome(embedded=0, failed=0)
    row = embedding_of(image)
    assert (row.status, row.attempts) == ("pending", 1)


def test_a_product_can_be_sold_while_its_image_is_written(model: EmbeddingModel) -> None:
    """The worker takes no lock on the shop's rows."""
    product = make_product()
    image = make_stored_image(product)
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("UPDATE catalogue_product SET stock = stock - 1 WHERE id = %s", [product.pk])
        assert worker._write(model, [row_to_write(image)]) == (1, [])
    assert Product.objects.get(pk=product.pk).stock == 9
