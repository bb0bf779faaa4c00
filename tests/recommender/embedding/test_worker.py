from __future__ import annotations

import numpy as np
import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection
from psycopg._adapters_map import AdaptersMap

from recommender.embedding import worker as pending
from recommender.models import EmbeddingModel
from recommender.embedding.preprocessing import decode
from recommender.embedding.inference import embedder
from shop.catalogue.models import ProductImage, StoredFile
from tests.factories import make_image, make_product, make_stored_image

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def model() -> EmbeddingModel:
    return EmbeddingModel.objects.active()


def _vectors() -> list[bool]:
    images = ProductImage.objects.order_by("pk").values_list("embedding_blue", flat=True)
    return [vector is not None for vector in images]


def test_every_waiting_picture_gets_a_vector_of_length_one(model: EmbeddingModel) -> None:
    for colour in ("red", "green", "blue"):
        make_stored_image(make_product(), colour)
    assert pending.embed_pending(model) == pending.Outcome(embedded=3, failed=0)
    assert _vectors() == [True, True, True]
    with connection.cursor() as cursor:
        cursor.execute("SELECT l2_norm(embedding_blue) FROM catalogue_productimage")
        assert [row[0] for row in cursor.fetchall()] == [pytest.approx(1, abs=1e-3)] * 3


def test_each_picture_of_a_batch_gets_its_own_vector(model: EmbeddingModel) -> None:
    broken = make_image(make_product())
    StoredFile.objects.create(name=broken.file, content=b"no picture", size=10)
    colours = ("red", "green", "blue", "white", "black")
    images = [make_stored_image(make_product(), colour) for colour in colours]
    pending.embed_pending(model)
    network = embedder(model.name)
    alone = [network.embed([decode(image.read(), network.side)])[0] for image in images]
    stored = ProductImage.objects.in_bulk([image.pk for image in images])
    vectors = np.array([stored[image.pk].embedding_blue for image in images])
    nearest = [
        min(range(5), key=lambda place: float(((vector - alone[place]) ** 2).sum()))
        for vector in vectors
    ]
    assert nearest == [0, 1, 2, 3, 4]


def test_a_second_run_finds_nothing_to_do(model: EmbeddingModel) -> None:
    make_stored_image(make_product())
    pending.embed_pending(model)
    assert pending.embed_pending(model) == pending.Outcome(embedded=0, failed=0)


def test_a_picture_that_cannot_be_read_is_parked_after_three_attempts(
    model: EmbeddingModel,
) -> None:
    good, bad = make_stored_image(make_product(), "red"), make_image(make_product())
    StoredFile.objects.create(name=bad.file, content=b"no picture", size=10)
    outcome = pending.embed_pending(model)
    assert outcome == pending.Outcome(embedded=1, failed=3)
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.attempts, good.attempts) == (3, 0)
    assert bad.failure.startswith("UnidentifiedImageError")
    assert list(pending.parked()) == [bad]
    assert pending.retry(pending.parked()) == 1
    assert list(pending.pending(model)) == [bad]


def test_a_missing_file_is_the_reason(model: EmbeddingModel) -> None:
    image = make_image(make_product())
    pending.embed_pending(model)
    image.refresh_from_db()
    assert image.failure == f"FileNotFoundError: The picture's file {image.file} is missing"


def test_a_claimed_picture_is_left_to_its_claimer(model: EmbeddingModel) -> None:
    make_stored_image(make_product())
    assert len(pending._claim(model, pending.UNTRIED, 10)) == 1
    assert pending.embed_pending(model) == pending.Outcome(embedded=0, failed=0)


def test_a_picture_tried_before_is_claimed_alone(model: EmbeddingModel) -> None:
    for _ in range(3):
        make_stored_image(make_product())
    pending._claim(model, pending.UNTRIED, 10)
    ProductImage.objects.update(claimed_until=None)
    assert pending._claim(model, pending.UNTRIED, 10) == []
    assert len(pending._claim(model, ~pending.UNTRIED, 1)) == 1


def test_claims_go_on_from_the_last_and_begin_again_once_before_they_end(
    model: EmbeddingModel, settings: LazySettings
) -> None:
    settings.EMBED_BATCH = 2
    first, second, third = (make_stored_image(make_product()) for _ in range(3))
    pending._claim(model, pending.UNTRIED, 1)
    queue = pending.Queue(model)
    assert [pk for pk, _file in queue.claim()] == [second.pk, third.pk]
    pending._release([first.pk])
    assert [pk for pk, _file in queue.claim()] == [first.pk]
    assert queue.claim() == []


def test_a_claim_does_not_pass_again_what_got_its_vector_in_this_run(
    model: EmbeddingModel, settings: LazySettings
) -> None:
    """A transaction of somebody else keeps the dead entries in the index meanwhile."""
    settings.EMBED_BATCH = 10
    for _ in range(60):
        make_stored_image(make_product())
    vectors = np.eye(10, 2048, dtype=np.float32)
    queue = pending.Queue(model)
    with psycopg.connect(connection.connection.info.dsn) as other, connection.cursor() as cursor:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1 FROM catalogue_product")
        for way in ("seqscan", "bitmapscan"):
            cursor.execute(f"SET enable_{way} = off")
        passed = []
        for _batch in range(6):
            before = _entries_read()
            claimed = queue.claim()
            passed.append(_entries_read() - before)
            pending._write(model, claimed, vectors)
        for way in ("seqscan", "bitmapscan"):
            cursor.execute(f"RESET enable_{way}")
    # Ten to find them and ten to claim them; some plans look one further.
    assert passed == passed[:1] * 6
    assert passed[0] in {20, 21}


def _entries_read() -> int:
    """So far, of the indexes by which pictures are claimed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            """SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
            WHERE indexrelname IN ('image_blue_pending', 'catalogue_productimage_pkey')"""
        )
        return int(cursor.fetchone()[0])


def test_a_vector_is_never_written_twice(model: EmbeddingModel) -> None:
    make_stored_image(make_product())
    pending.embed_pending(model)
    image = ProductImage.objects.get()
    vectors = embedder(model.name).embed([decode(image.read(), embedder(model.name).side)])
    assert pending._write(model, [(image.pk, image.file)], vectors) == 0


def test_writing_many_batches_leaves_no_classes_behind(model: EmbeddingModel) -> None:
    """psycopg remembers every class of dumpers that it has met, for as long as the worker lives."""
    vectors = np.eye(1, 2048, dtype=np.float32)
    known = []
    for _ in range(3):
        image = make_stored_image(make_product())
        assert pending._write(model, [(image.pk, image.file)], vectors) == 1
        known.append(len(AdaptersMap._optimised))
    assert known[1:] == known[:1] * 2


def test_a_picture_replaced_while_the_worker_looked_keeps_waiting(model: EmbeddingModel) -> None:
    image = make_stored_image(make_product())
    vectors = embedder(model.name).embed([decode(image.read(), embedder(model.name).side)])
    assert pending._write(model, [(image.pk, "another.jpg")], vectors) == 0
    assert list(pending.pending(model)) == [image]


def test_what_a_replaced_file_failed_with_is_not_said_of_the_new_one() -> None:
    image = make_stored_image(make_product(), attempts=1)
    pending._fail(image.pk, "another.jpg", OSError("torn"))
    image.refresh_from_db()
    assert image.failure == ""
    pending._fail(image.pk, image.file, OSError("torn"))
    image.refresh_from_db()
    assert image.failure == "OSError: torn"
