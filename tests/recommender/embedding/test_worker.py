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
    """Its file is no picture."""
    image = make_image(make_product(**product))
    StoredFile.objects.create(name=image.file, content=b"no picture", size=10)
    return image


def seen_row(image: ProductImage, **changes: str) -> Row:
    """What a worker would write of the image."""
    prepared = Prepared(np.zeros((1, 1, 3), np.uint8), np.array([25, 0, 0], np.float32))
    file = changes.get("file", image.file)
    return Row(image.pk, file, prepared, np.array(point(1), np.float32))


def statuses() -> list[str]:
    rows = EmbeddingModel.objects.active().embeddings.order_by("image")
    return list(rows.values_list("status", flat=True))


def test_every_pending_image_gets_an_embedding_of_length_one(model: EmbeddingModel) -> None:
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


def test_a_second_run_finds_nothing_to_do(model: EmbeddingModel) -> None:
    make_stored_image(make_product())
    embed_pending(model)
    assert embed_pending(model) == Outcome(embedded=0, failed=0)


def test_an_image_that_cannot_be_read_fails_after_three_attempts(model: EmbeddingModel) -> None:
    good, bad = make_stored_image(make_product(), "red"), make_broken_image()
    assert embed_pending(model) == Outcome(embedded=1, failed=3)
    row = embedding_of(bad)
    assert (row.status, row.attempts) == ("failed", 3)
    assert row.failure.startswith("PictureError: This file is not a picture")
    assert [row.image_id for row in failed(model)] == [bad.pk]
    assert embedding_of(good).attempts == 0
    assert embed_pending(model) == Outcome(embedded=0, failed=0)


def test_a_missing_file_is_the_reason(model: EmbeddingModel) -> None:
    image = make_image(make_product())
    embed_pending(model)
    reason = f"FileNotFoundError: The picture's file {image.file} is missing"
    assert embedding_of(image).failure == reason


def test_an_image_whose_worker_died_three_times_is_given_up(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product())
    model.embeddings.update(attempts=MAX_ATTEMPTS)
    assert embed_pending(model) == Outcome(embedded=0, failed=1)
    row = embedding_of(image)
    assert (row.status, row.attempts) == ("failed", 3)


def test_a_claimed_image_is_left_to_its_claimer(model: EmbeddingModel) -> None:
    make_stored_image(make_product())
    assert len(ClaimCursor(model).claim()) == 1
    assert embed_pending(model) == Outcome(embedded=0, failed=0)


def test_an_embedding_is_never_written_twice(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product())
    assert worker._write(model, [seen_row(image)]) == (1, [])
    assert worker._write(model, [seen_row(image)]) == (0, [])


def test_writing_many_batches_leaves_no_classes_behind(model: EmbeddingModel) -> None:
    """psycopg remembers every class of dumpers that it has met, for as long as the worker lives."""
    known = []
    for _ in range(3):
        image = make_stored_image(make_product())
        assert worker._write(model, [seen_row(image)]) == (1, [])
        known.append(len(AdaptersMap._optimised))
    assert known[1:] == known[:1] * 2


def test_an_image_replaced_while_the_worker_looked_stays_pending(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product())
    assert worker._write(model, [seen_row(image, file="another.jpg")]) == (0, [])
    assert [row.image_id for row in claimable(model)] == [image.pk]


def test_an_image_deleted_while_the_worker_looked_is_not_written(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product())
    row = seen_row(image)
    image.delete()
    assert worker._write(model, [row]) == (0, [])
    assert not model.embeddings.exists()


def test_a_model_that_lost_its_table_writes_nothing_and_gives_back_its_claim(
    model: EmbeddingModel,
) -> None:
    image = make_stored_image(make_product())
    ClaimCursor(model).claim()
    EmbeddingModel.objects.update(state="freeing")
    assert worker._write(model, [seen_row(image)]) == (0, [])
    assert ClaimCursor(model).claim() == []
    row = model.embeddings.get()
    assert (row.status, row.attempts, row.claimed_until) == ("pending", 0, None)


def test_rows_that_somebody_locks_are_written_later_and_the_others_at_once(
    model: EmbeddingModel,
) -> None:
    images = [make_stored_image(make_product()) for _number in range(3)]
    rows = [seen_row(image) for image in images]
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute(f"SELECT FROM {model.table} WHERE image_id = %s FOR UPDATE", [images[1].pk])
        assert worker._write(model, rows) == (2, [rows[1]])
        assert statuses() == ["embedded", "pending", "embedded"]
    assert worker._write(model, [rows[1]]) == (1, [])
    assert statuses() == ["embedded"] * 3


def test_a_worker_waits_for_rows_that_an_import_holds(
    model: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import holds what it has touched until it commits; the network's work is not lost."""
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
        time.sleep(2 * worker.LOCKED_SECONDS)
        assert statuses() == ["pending"]
    thread.join()
    assert outcomes == [Outcome(embedded=1, failed=0)]
    row = embedding_of(image)
    assert (row.status, row.gender) == ("embedded", "Men")


def test_rows_that_stay_locked_for_as_long_as_their_claim_are_left_to_the_next_one(
    model: EmbeddingModel, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.EMBED_LEASE_SECONDS = 1
    monkeypatch.setattr(worker, "LOCKED_SECONDS", 0.2)
    image = make_stored_image(make_product())
    monkeypatch.setattr(worker, "_write", lambda _model, rows: (0, rows))
    assert embed_pending(model) == Outcome(embedded=0, failed=0)
    row = embedding_of(image)
    assert (row.status, row.attempts) == ("pending", 1)


def test_one_product_may_be_sold_while_its_image_is_written(model: EmbeddingModel) -> None:
    """Neither waits for the other: the worker takes no lock on the shop's rows."""
    product = make_product()
    image = make_stored_image(product)
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("UPDATE catalogue_product SET stock = stock - 1 WHERE id = %s", [product.pk])
        assert worker._write(model, [seen_row(image)]) == (1, [])
    assert Product.objects.get(pk=product.pk).stock == 9
