"""Claim images to embed, and record those that fail.

The tables of embeddings are the queue. Each claim counts as an attempt, so that attempts in which
an image crashes its worker are counted too. An image that was tried before is claimed alone, so
that another crash costs no other image an attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from recommender.models import EmbeddingModel, ImageEmbedding
from shop.catalogue.models import ProductImage

Status = ImageEmbedding.Status
MAX_ATTEMPTS = 3


@dataclass
class ClaimCursor:
    """Claims batches of images, the newest first, and continues where the last batch ended.

    Embedded images leave dead entries in the index. Scanning them again took 11 ms a batch after
    25,000 images, while an open transaction, such as a backup's, kept VACUUM from removing them.
    """

    model: EmbeddingModel
    highest: int = 0
    lowest: int = 0

    def claim(self) -> list[tuple[int, str]]:
        """Claim a batch of images; return their ids and file names, or ``[]`` if no image is left.

        Images newer than those claimed before come first, then older ones, then any that were
        skipped, and last a single image that was tried before.
        """
        untried = Q(attempts=0)
        claimed = _claim(self.model, untried & Q(image__gt=self.highest), settings.EMBED_BATCH)
        if not claimed and self.lowest:
            older = untried & Q(image__lt=self.lowest)
            claimed = _claim(self.model, older, settings.EMBED_BATCH)
            if not claimed:
                self.lowest = 0
                claimed = _claim(self.model, untried, settings.EMBED_BATCH)
        if claimed:
            self.highest = max(self.highest, claimed[0][0])
            self.lowest = min(self.lowest or claimed[-1][0], claimed[-1][0])
        return claimed or _claim(self.model, ~untried, 1)


def _claim(model: EmbeddingModel, condition: Q, limit: int) -> list[tuple[int, str]]:
    """Claim, for the duration of a lease, images that no other worker has claimed."""
    with transaction.atomic():
        if not lock_if_in_use(model):
            return []
        rows = claimable(model).filter(condition).order_by("-image")
        locked = rows.select_for_update(skip_locked=True)
        ids = list(locked.values_list("image", flat=True)[:limit])
        until = Now() + timedelta(seconds=settings.EMBED_LEASE_SECONDS)
        model.embeddings.filter(image__in=ids).update(
            attempts=F("attempts") + 1, claimed_until=until
        )
        images = ProductImage.objects.filter(pk__in=ids).order_by("-pk")
        return list(images.values_list("pk", "file"))


def lock_if_in_use(model: EmbeddingModel) -> bool:
    """Return whether the model owns its table; a lock keeps the answer true until the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state FROM recommender_embeddingmodel WHERE id = %s FOR SHARE", [model.pk]
        )
        row = cursor.fetchone()
    return row is not None and row[0] in EmbeddingModel.IN_USE


def pending(model: EmbeddingModel) -> QuerySet[ImageEmbedding]:
    """Return the rows of images that still have to be embedded, whether claimed or not."""
    return model.embeddings.filter(status=Status.PENDING)


def claimable(model: EmbeddingModel) -> QuerySet[ImageEmbedding]:
    """Return the pending rows that no worker has claimed, or whose claim expired."""
    return pending(model).filter(Q(claimed_until=None) | Q(claimed_until__lt=Now()))


def failed(model: EmbeddingModel) -> QuerySet[ImageEmbedding]:
    """Return the rows whose attempts have all failed; ``failure`` says why."""
    return model.embeddings.filter(status=Status.FAILED)


def fail(model: EmbeddingModel, image_id: int, file: str, error: Exception) -> None:
    """Store why the image could not be embedded, and release it for its next attempt, if any.

    Does nothing if the image's file was replaced meanwhile.
    """
    rows = model.embeddings.filter(image=image_id, image__file=file, status=Status.PENDING)
    reason = f"{type(error).__name__}: {error}"[:255]
    rows.update(failure=reason, claimed_until=None)
    rows.filter(attempts__gte=MAX_ATTEMPTS).update(status=Status.FAILED)


def fail_abandoned(model: EmbeddingModel) -> int:
    """Mark images as failed if the worker crashed in their final attempt; return how many."""
    abandoned = claimable(model).filter(attempts__gte=MAX_ATTEMPTS)
    return abandoned.update(status=Status.FAILED, claimed_until=None)


def release(model: EmbeddingModel, image_ids: list[int]) -> None:
    """Release claimed images without counting the attempt."""
    rows = model.embeddings.filter(image__in=image_ids, attempts__gt=0, status=Status.PENDING)
    rows.update(attempts=F("attempts") - 1, claimed_until=None)


def requeue(images: QuerySet[ProductImage]) -> int:
    """Queue images again that were tried but not embedded, for every model; return how many."""
    ids = set[int]()
    for model in EmbeddingModel.objects.in_use():
        rows = model.embeddings.filter(image__in=images.values("pk"), attempts__gt=0)
        rows = rows.exclude(status=Status.EMBEDDED)
        ids.update(rows.values_list("image", flat=True))
        rows.update(status=Status.PENDING, attempts=0, claimed_until=None, failure="")
    return len(ids)


def with_state(images: QuerySet[ProductImage]) -> QuerySet[ProductImage]:
    """Annotate images with ``state``, ``failure`` and ``attempts`` for the active model."""
    rows = EmbeddingModel.objects.active().embeddings.filter(image=OuterRef("pk"))
    return images.annotate(
        state=Subquery(rows.values("status")),
        failure=Subquery(rows.values("failure")),
        attempts=Subquery(rows.values("attempts")),
    )
