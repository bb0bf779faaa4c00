"""Define the Celery tasks, which call plain functions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

import numpy as np
from celery import Celery, shared_task
from celery.signals import worker_ready

from recommender.embedding import queue, rollout, worker
from recommender.embedding.inference import embedder
from recommender.embedding.model_folder import ModelFolderError
from recommender.garments import categories
from recommender.models import EmbeddingModel
from recommender.photo_search import photos
from recommender.recommendations import cache, copurchase
from recommender.tracking import events
from shop.core.tasks import send

logger = logging.getLogger(__name__)
# A slice is long enough to keep the network busy, which idles for half a second between slices.
SLICE_SECONDS = 60
# Ends a task that hangs in a decoder or a query, so that it does not block the worker forever.
TIME_LIMIT_SECONDS = 600
LOADER = "load-networks"


@shared_task(time_limit=TIME_LIMIT_SECONDS)
def embed_pending_images() -> None:
    for model in EmbeddingModel.objects.in_use():
        if not queue.claimable(model).exists():
            continue
        outcome = worker.embed_pending(model, seconds=SLICE_SECONDS)
        if outcome.embedded:
            cache.invalidate()
        # A task that made no progress, for example because all rows were locked, sends no next
        # task. Celery beat sends one within 15 seconds.
        if outcome != worker.Outcome() and queue.claimable(model).exists():
            send("recommender.tasks.embed_pending_images")
            return


@shared_task(time_limit=TIME_LIMIT_SECONDS)
def fill_garments() -> None:
    categories.fill_garments()


@shared_task(time_limit=TIME_LIMIT_SECONDS)
def repair_embeddings() -> None:
    rollout.repair()


@shared_task(time_limit=60)
def embed_query_photo(photo_id: str) -> None:
    photos.embed_photo(photo_id)


@shared_task(time_limit=60)
def embed_missed_query_photos() -> None:
    photos.embed_missed()


@shared_task
def warm_up() -> None:
    """Load the networks that photos need, so that no shopper waits the seconds this takes.

    Photos are accepted as soon as the active network is loaded. A thread loads the network that a
    rollout may activate.
    """
    active, *others = EmbeddingModel.objects.in_use()
    _load(active)
    if others:
        threading.Thread(target=_load_others, args=(others,), name=LOADER, daemon=True).start()


def _load(model: EmbeddingModel) -> None:
    """Load the network and run it once, because the first run takes longer than others."""
    network = embedder(model)
    network.embed([np.zeros((network.input_size, network.input_size, 3), np.uint8)])


def _load_others(models: Iterable[EmbeddingModel]) -> None:
    for model in models:
        try:
            _load(model)
        except ModelFolderError as error:
            logger.error("The network of %s cannot be loaded: %s", model, error)


@worker_ready.connect
def load_networks_at_start(sender: Celery, **kwargs: object) -> None:
    """Let a worker of the photo queue load its networks before it accepts photos."""
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
    copurchase.compute_affinities()
