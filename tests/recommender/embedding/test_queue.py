from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from recommender.embedding.queue import (
    ClaimCursor,
    claimable,
    fail,
    fail_abandoned,
    failed,
    pending,
    release,
    requeue,
    with_state,
)
from recommender.embedding.rollout import repair
from recommender.models import EmbeddingModel
from shop.catalogue.models import ProductImage
from tests.factories import embed, embedding_of, fail_embedding, make_image, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> EmbeddingModel:
    return EmbeddingModel.objects.active()


def make_images(count: int) -> list[ProductImage]:
    product = make_product()
    return [make_image(product) for _number in range(count)]


def pks(claimed: list[tuple[int, str]]) -> list[int]:
    return [pk for pk, _file in claimed]


def test_the_newest_images_are_claimed_first(model: EmbeddingModel, settings: LazySettings) -> None:
    settings.EMBED_BATCH = 2
    first, second, third = make_images(3)
    cursor = ClaimCursor(model)
    assert cursor.claim() == [(third.pk, third.file), (second.pk, second.file)]
    assert cursor.claim() == [(first.pk, first.file)]
    assert cursor.claim() == []


def test_a_new_upload_is_claimed_before_the_backlog(
    model: EmbeddingModel, settings: LazySettings
) -> None:
    settings.EMBED_BATCH = 2
    backlog = [image.pk for image in make_images(5)]
    cursor = ClaimCursor(model)
    assert pks(cursor.claim()) == [backlog[4], backlog[3]]
    new = make_images(1)[0].pk
    assert pks(cursor.claim()) == [new]
    assert pks(cursor.claim()) == [backlog[2], backlog[1]]
    assert pks(cursor.claim()) == [backlog[0]]


def test_claims_go_from_new_to_old_images_and_restart_once(
    model: EmbeddingModel, settings: LazySettings
) -> None:
    settings.EMBED_BATCH = 2
    images = make_images(3)
    cursor = ClaimCursor(model)
    assert pks(cursor.claim()) == [images[2].pk, images[1].pk]
    release(model, [images[2].pk])
    assert pks(cursor.claim()) == [images[0].pk]
    assert pks(cursor.claim()) == [images[2].pk]
    assert cursor.claim() == []


def test_a_claim_counts_an_attempt_and_ends_with_its_lease(
    model: EmbeddingModel, settings: LazySettings
) -> None:
    (image,) = make_images(1)
    ClaimCursor(model).claim()
    row = embedding_of(image)
    left = row.claimed_until - timezone.now()
    assert row.attempts == 1
    assert timedelta() < left <= timedelta(seconds=settings.EMBED_LEASE_SECONDS)
    assert ClaimCursor(model).claim() == []
    model.embeddings.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert pks(ClaimCursor(model).claim()) == [image.pk]
    assert embedding_of(image).attempts == 2


def test_an_image_tried_before_is_claimed_alone(model: EmbeddingModel) -> None:
    images = make_images(3)
    model.embeddings.exclude(image=images[0].pk).update(attempts=1)
    cursor = ClaimCursor(model)
    assert pks(cursor.claim()) == [images[0].pk]
    assert pks(cursor.claim()) == [images[2].pk]
    assert pks(cursor.claim()) == [images[1].pk]
    assert cursor.claim() == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_get_the_same_image(
    model: EmbeddingModel, settings: LazySettings
) -> None:
    images = make_images(2)
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute(f"SELECT FROM {model.table} WHERE image_id = %s FOR UPDATE", [images[1].pk])
        assert pks(ClaimCursor(model).claim()) == [images[0].pk]


@pytest.fixture
def index_scans() -> Iterator[None]:
    """Let the planner use indexes on small tables."""
    with connection.cursor() as cursor:
        for scan in ("seqscan", "bitmapscan"):
            cursor.execute(f"SET enable_{scan} = off")
        yield
        for scan in ("seqscan", "bitmapscan"):
            cursor.execute(f"RESET enable_{scan}")


@pytest.mark.django_db(transaction=True)
def test_a_claim_does_not_scan_images_embedded_in_this_run(
    model: EmbeddingModel, settings: LazySettings, index_scans: None
) -> None:
    """The other transaction keeps their dead entries in the index."""
    settings.EMBED_BATCH = 10
    make_images(60)
    cursor = ClaimCursor(model)
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1 FROM catalogue_product")
        read = []
        for _batch in range(6):
            before = _entries_read()
            claimed = cursor.claim()
            read.append(_entries_read() - before)
            model.embeddings.filter(pk__in=pks(claimed)).update(status="embedded")
    assert len(claimed) == 10
    # No batch reads many more entries than it claims, however many were embedded before. On a busy
    # machine one batch read none of this index; ANALYZE alone does not cause that.
    assert 10 <= max(read) <= 12


def _entries_read() -> int:
    """Return the number of entries read from the index of pending images so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            """SELECT idx_tup_read FROM pg_stat_user_indexes
            WHERE indexrelname = 'embedding_blue_pending'"""
        )
        return int(cursor.fetchone()[0])


def test_the_failure_of_a_replaced_file_is_not_stored(
    model: EmbeddingModel,
) -> None:
    (image,) = make_images(1)
    fail(model, image.pk, "another.jpg", OSError("torn"))
    assert embedding_of(image).failure == ""
    fail(model, image.pk, image.file, OSError("torn"))
    row = embedding_of(image)
    assert (row.failure, row.status) == ("OSError: torn", "pending")


def test_an_image_fails_for_good_with_its_third_attempt(model: EmbeddingModel) -> None:
    (image,) = make_images(1)
    for attempts, status in ((1, "pending"), (2, "pending"), (3, "failed")):
        ClaimCursor(model).claim()
        fail(model, image.pk, image.file, OSError("torn"))
        row = embedding_of(image)
        assert (row.attempts, row.status, row.claimed_until) == (attempts, status, None)
    assert ClaimCursor(model).claim() == []
    assert [row.pk for row in failed(model)] == [image.pk]


def test_only_images_without_an_active_claim_are_marked_as_failed(model: EmbeddingModel) -> None:
    died, working, tried = make_images(3)
    model.embeddings.exclude(image=tried.pk).update(attempts=3)
    later = timezone.now() + timedelta(seconds=60)
    model.embeddings.filter(image=working.pk).update(claimed_until=later)
    model.embeddings.filter(image=tried.pk).update(attempts=2)
    assert fail_abandoned(model) == 1
    assert [row.pk for row in failed(model)] == [died.pk]


def test_a_released_image_does_not_count_the_attempt(model: EmbeddingModel) -> None:
    (image,) = make_images(1)
    ClaimCursor(model).claim()
    release(model, [image.pk])
    row = embedding_of(image)
    assert (row.attempts, row.claimed_until) == (0, None)
    release(model, [image.pk])
    assert embedding_of(image).attempts == 0


def test_failed_images_are_queued_again_for_every_model_and_embedded_ones_are_not(
    model: EmbeddingModel,
) -> None:
    done, bad, worse = make_images(3)
    other = EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    assert repair() == 3
    other.embeddings.update(status="failed", attempts=3, failure="OSError: torn")
    other.embeddings.filter(image=done).update(status="embedded", attempts=0, failure="")
    embed(done, 1)
    fail_embedding(bad)
    images = ProductImage.objects.filter(pk__in=[done.pk, bad.pk])
    assert requeue(images) == 1
    for row in (embedding_of(bad), embedding_of(bad, other)):
        assert (row.status, row.attempts, row.failure) == ("pending", 0, "")
    assert embedding_of(done).status == "embedded"
    assert embedding_of(worse, other).status == "failed"
    assert requeue(images) == 0


def test_images_are_read_with_their_state_by_the_active_model(model: EmbeddingModel) -> None:
    done, bad, waiting = make_images(3)
    embed(done, 1)
    fail_embedding(bad, "OSError: torn")
    rows = with_state(ProductImage.objects.order_by("pk"))
    assert [(row.state, row.attempts, row.failure) for row in rows] == [
        ("embedded", 0, ""), ("failed", 3, "OSError: torn"), ("pending", 0, "")
    ]  # fmt: skip
    assert [row.pk for row in pending(model)] == [waiting.pk]
    assert [row.pk for row in claimable(model)] == [waiting.pk]
