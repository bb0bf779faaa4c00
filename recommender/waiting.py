"""Waiting for a photo's vector: a page that comes back with the five is better than one that asks
again, as long as somebody is there to look at it, and pages have threads left."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from django.core.cache import cache
from django.utils import timezone

from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photos import needs_vector
from shop.core.tasks import send

# At once in this process: half of its threads (config.gunicorn).
PLACES = 4
# Most are seen within the first second; who waits longer asks the database less often.
LOOK_SECONDS, LATER_LOOK_SECONDS = 0.005, 0.02
# A message may have been lost, or be one for a model that is active no more.
RING_AFTER = timedelta(seconds=2)
# And no worker may be there at all: Redis must not fill with what nobody fetches.
RING_AGAIN_SECONDS = 20
# Nobody is there: to hold a thread would be in vain.
SLOW = timedelta(seconds=6)
_places = threading.BoundedSemaphore(PLACES)


def is_slow(photo: QueryPhoto) -> bool:
    return timezone.now() - photo.created > SLOW


def wait_for_vector(photo: QueryPhoto, seconds: float, *, in_vain: bool = False) -> EmbeddingModel:
    """Refresh the photo until it has a vector or has failed, for so many seconds at most.

    Not for one that is slow, unless the bell was rung for it just now or ``in_vain``.
    Returns the model that was active when the wait ended.
    """
    model = EmbeddingModel.objects.active()
    if photo.failure or not needs_vector(photo, model):
        return model
    rung = _ring_again(photo)
    hopeless = is_slow(photo) and not rung and not in_vain
    if hopeless or not _places.acquire(blocking=False):
        return model
    try:
        _look_again(photo, model, seconds)
    finally:
        _places.release()
    return EmbeddingModel.objects.active()


def _look_again(photo: QueryPhoto, model: EmbeddingModel, seconds: float) -> None:
    begun, waited = time.monotonic(), 0.0
    while needs_vector(photo, model) and not photo.failure and waited < seconds:
        time.sleep(LOOK_SECONDS if waited < 1 else LATER_LOOK_SECONDS)
        photo.refresh_from_db(fields=["embedding", "embedding_model", "failure"])
        waited = time.monotonic() - begun


def _ring_again(photo: QueryPhoto) -> bool:
    old = timezone.now() - photo.created > RING_AFTER
    if old and cache.add(f"rung:{photo.pk}", 1, RING_AGAIN_SECONDS):
        return send("recommender.tasks.embed_query_photo", photo.pk)
    return False
