"""Thin wrappers that Celery calls; the work is in plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import numpy as np
from celery import Celery, shared_task
from celery.signals import worker_ready
from django.core.cache import cache

from recommender import affinity, duplicates, events, pending, photos, related_cache
from recommender.models import EmbeddingModel
from recommender.nearest import cells
from recommender.runtime import embedder
from shop.core.tasks import send

# Long enough to keep the network busy: between two slices it runs empty, for half a second.
SLICE_SECONDS = 60
# What can be put off goes by short turns, so that a picture in between waits for one, not for all.
TURN_SECONDS = 10
# Longer than anything that may come between two turns.
TURNS_END_SECONDS = 1800
# A decoder or a server that hangs must not hold the only worker for ever.
HANGS_SECONDS = 600


@shared_task(time_limit=HANGS_SECONDS)
def embed_pending_images() -> None:
    embedded = 0
    for model in EmbeddingModel.objects.filling():
        if pending.claimable(model).exists():
            outcome = pending.embed_pending(model, seconds=SLICE_SECONDS)
            if outcome.embedded:
                related_cache.invalidate()
            embedded += outcome.embedded
            # What somebody else holds a lock on is left to beat.
            if outcome != pending.Outcome() and pending.claimable(model).exists():
                send("recommender.tasks.embed_pending_images")
                return
    if embedded:
        send("recommender.tasks.divide_into_cells")
        send("recommender.tasks.find_copies")


@shared_task(time_limit=60)
def embed_query_photo(photo_id: str) -> None:
    photos.embed_photo(photo_id)


@shared_task(time_limit=60)
def embed_missed_query_photos() -> None:
    photos.embed_missed()


@shared_task
def warm_up() -> None:
    """Load the network and run it once: that takes seconds."""
    network = embedder(EmbeddingModel.objects.active().name)
    network.embed([np.zeros((network.side, network.side, 3), np.uint8)])


@worker_ready.connect
def spare_the_first_photo_the_wait(sender: Celery, **kwargs: object) -> None:
    """A worker for photos begins with its network, not with somebody's photo."""
    if "search" in sender.app.amqp.queues.consume_from:
        send("recommender.tasks.warm_up")


@shared_task
def delete_expired_query_photos() -> None:
    photos.delete_expired()


@shared_task
def delete_old_events() -> None:
    events.delete_old_events()


@shared_task
def compute_affinities() -> None:
    affinity.compute_affinities()


@shared_task(time_limit=HANGS_SECONDS)
def find_copies(begun: str = "") -> None:
    _take_turn(find_copies, begun, duplicates.find_copies)


@shared_task(time_limit=HANGS_SECONDS)
def divide_into_cells(begun: str = "") -> None:
    """For searches with filters; and what they know of products is compared with the products."""
    models = EmbeddingModel.objects.filling()
    if _take_turn(divide_into_cells, begun, lambda s: any(cells.divide(m, s) for m in models)):
        cells.mend()


def _take_turn(task: Any, begun: str, work: Callable[[float], bool]) -> bool:
    """Some of the work, which says whether some is left; the rest comes after what waits by now.

    Whoever begins while another is at it, leaves it to that. Returns whether all is done.
    """
    key, mine = f"turns:{task.name}", begun or uuid4().hex
    if not cache.add(key, mine, TURNS_END_SECONDS) and cache.get(key) != mine:
        return False
    if work(TURN_SECONDS):
        cache.touch(key, TURNS_END_SECONDS)
        send(task.name, mine)
        return False
    cache.delete(key)
    return True
