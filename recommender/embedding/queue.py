"""Claim images to embed, and keep account of those that failed.

The tables of embeddings are the to-do list. A claim counts an attempt before anything is decoded,
so that an image which kills its worker is counted too. An image tried before is claimed alone,
so that its neighbours in a batch are not blamed for it.
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
    """Claims the newest images first, each batch on from the one before.

    What was embedded before leaves dead entries in the index. To pass them all each time took
    11 ms a batch after 25,000 pictures beside an open transaction, such as a backup's.
    """

    model: EmbeddingModel
    highest: int = 0
    lowest: int = 0

    def claim(self) -> list[tuple[int, str]]:
        """Claim a batch of images and return their ids and files; empty when none is left.

        Newer images than were claimed before come first, then older ones, then whatever was
        passed over, and at last a single image whose embedding has failed before.
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


def _claim(model: EmbeddingModel, which: Q, limit: int) -> list[tuple[int, str]]:
    """Give two workers never the same image; a claim ends with its lease."""
    with transaction.atomic():
        if not is_filled(model):
            return []
        rows = claimable(model).filter(which).order_by("-image").select_for_update(skip_locked=True)
        ids = list(rows.values_list("image", flat=True)[:limit])
        until = Now() + timedelta(seconds=settings.EMBED_LEASE_SECONDS)
        model.embeddings.filter(image__in=ids).update(
            attempts=F("attempts") + 1, claimed_until=until
        )
        images = ProductImage.objects.filter(pk__in=ids).order_by("-pk")
        return list(images.values_list("pk", "file"))


def is_filled(model: EmbeddingModel) -> bool:
    """Return whether the model still owns its table; nobody takes it before the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state FROM recommender_embeddingmodel WHERE id = %s FOR SHARE", [model.pk]
        )
        row = cursor.fetchone()
    return row is not None and row[0] in EmbeddingModel.FILLED


def pending(model: EmbeddingModel) -> QuerySet[ImageEmbedding]:
    """Return the rows that wait for an embedding, claimed or not."""
    return model.embeddings.filter(status=Status.PENDING)


def claimable(model: EmbeddingModel) -> QuerySet[ImageEmbedding]:
    """Return the rows that wait and that no worker has claimed."""
    return pending(model).filter(Q(claimed_until=None) | Q(claimed_until__lt=Now()))


def failed(model: EmbeddingModel) -> QuerySet[ImageEmbedding]:
    """Return the rows that are not tried again; ``failure`` says why."""
    return model.embeddings.filter(status=Status.FAILED)


def fail(model: EmbeddingModel, image_id: int, file: str, error: Exception) -> None:
    """Store why the image has no embedding, and let it be tried again at once while it may be.

    Leaves an image alone whose file was replaced meanwhile.
    """
    rows = model.embeddings.filter(image=image_id, image__file=file, status=Status.PENDING)
    reason = f"{type(error).__name__}: {error}"[:255]
    rows.update(failure=reason, claimed_until=None)
    rows.filter(attempts__gte=MAX_ATTEMPTS).update(status=Status.FAILED)


def fail_abandoned(model: EmbeddingModel) -> int:
    """Give up images whose worker died in every attempt; return how many."""
    abandoned = claimable(model).filter(attempts__gte=MAX_ATTEMPTS)
    return abandoned.update(status=Status.FAILED, claimed_until=None)


def release(model: EmbeddingModel, image_ids: list[int]) -> None:
    """Undo a claim, as if the images had not been tried."""
    rows = model.embeddings.filter(image__in=image_ids, attempts__gt=0, status=Status.PENDING)
    rows.update(attempts=F("attempts") - 1, claimed_until=None)


def requeue(images: QuerySet[ProductImage]) -> int:
    """Let workers try failed images again with every network; return how many images."""
    ids = set[int]()
    for model in EmbeddingModel.objects.filling():
        rows = model.embeddings.filter(image__in=images.values("pk"), attempts__gt=0)
        rows = rows.exclude(status=Status.EMBEDDED)
        ids.update(rows.values_list("image", flat=True))
        rows.update(status=Status.PENDING, attempts=0, claimed_until=None, failure="")
    return len(ids)


def with_state(images: QuerySet[ProductImage]) -> QuerySet[ProductImage]:
    """Annotate each image with its ``state`` and ``failure`` by the active model."""
    rows = EmbeddingModel.objects.active().embeddings.filter(image=OuterRef("pk"))
    return images.annotate(
        state=Subquery(rows.values("status")),
        failure=Subquery(rows.values("failure")),
        attempts=Subquery(rows.values("attempts")),
    )
