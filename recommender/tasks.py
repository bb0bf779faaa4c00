"""Thin wrappers that Celery calls; the work is in plain functions."""

from __future__ import annotations

import numpy as np
from celery import Celery, shared_task
from celery.signals import worker_ready
from kombu.exceptions import OperationalError

from recommender import affinity, duplicates, events, pending, photos, remembered
from recommender.models import EmbeddingModel
from recommender.nearest import cells
from recommender.runtime import embedder

# Long enough to keep the network busy: between two slices it runs empty, for half a second.
SLICE_SECONDS = 60


@shared_task(expires=60)
def embed_pending_images() -> None:
    embedded = 0
    for model in EmbeddingModel.objects.filling():
        if pending.claimable(model).exists():
            outcome = pending.embed_pending(model, seconds=SLICE_SECONDS)
            if outcome.embedded:
                remembered.forget()
            embedded += outcome.embedded
            # What somebody else holds a lock on is left to beat.
            if outcome != pending.Outcome() and pending.claimable(model).exists():
                embed_pending_images.delay()
                return
    if embedded:
        divide_into_cells.delay()
        find_copies.delay()


@shared_task(expires=60)
def embed_query_photo(photo_id: str) -> None:
    photos.embed_photo(photo_id)


@shared_task(expires=60)
def warm_up() -> None:
    """Load the network and run it once: that takes seconds."""
    network = embedder(EmbeddingModel.objects.active().name)
    network.embed([np.zeros((network.side, network.side, 3), np.uint8)])


@worker_ready.connect
def spare_the_first_photo_the_wait(sender: Celery, **kwargs: object) -> None:
    """A worker for photos begins with its network, not with somebody's photo."""
    if "search" in sender.app.amqp.queues.consume_from:
        ring(warm_up)


@shared_task(expires=600)
def delete_expired_query_photos() -> None:
    photos.delete_expired()


@shared_task(expires=3600)
def delete_old_events() -> None:
    events.delete_old_events()


@shared_task(expires=3600)
def compute_affinities() -> None:
    affinity.compute_affinities()


@shared_task(expires=3600)
def find_copies() -> None:
    if duplicates.find_copies(SLICE_SECONDS):
        find_copies.delay()


@shared_task(expires=3600)
def divide_into_cells() -> None:
    """For searches with filters; and what they know of products is compared with the products."""
    if any(cells.divide(model, SLICE_SECONDS) for model in EmbeddingModel.objects.filling()):
        divide_into_cells.delay()
    else:
        cells.mend()


def ring(task, *arguments: object) -> bool:  # type: ignore[no-untyped-def]
    """Send a task. ``False`` when Redis is away: what is NULL in PostgreSQL stays to be done."""
    try:
        task.delay(*arguments)
    except OperationalError:
        return False
    return True
