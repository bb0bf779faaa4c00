from __future__ import annotations

import numpy as np
import pytest
from django.db import connection

from recommender import pending
from recommender.models import EmbeddingModel
from recommender.preprocessing import decode
from recommender.runtime import embedder
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


def test_a_vector_is_never_written_twice(model: EmbeddingModel) -> None:
    make_stored_image(make_product())
    pending.embed_pending(model)
    image = ProductImage.objects.get()
    vectors = embedder(model.name).embed([decode(image.read(), embedder(model.name).side)])
    assert pending._write(model, [(image.pk, image.file)], vectors) == 0


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
