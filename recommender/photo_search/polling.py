"""Wait a moment for a photo's embedding, so that most pages show results without polling."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone

from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photo_search.photos import needs_vector
from shop.core.tasks import send
from shop.core.waiting import TooBusy, waiting_slot

READ_SECONDS = 0.01
# No worker seems to be there for a photo this old.
STALE_AFTER = timedelta(seconds=6)


def is_stale(photo: QueryPhoto) -> bool:
    """Return whether the photo is older than photos are that a worker embeds."""
    return timezone.now() - photo.created > STALE_AFTER


def wait_for_vector(
    photo: QueryPhoto, seconds: float, *, even_if_stale: bool = False
) -> EmbeddingModel:
    """Refresh the photo until it has an embedding or has failed, for at most ``seconds``.

    A stale photo holds no thread unless ``even_if_stale``. Returns the model that was active when
    the wait ended.
    """
    model = EmbeddingModel.objects.active()
    if photo.failure or not needs_vector(photo, model):
        return model
    if photo.embedding is not None:
        # A model made it that was replaced since; beat looks only for photos without any.
        send("recommender.tasks.embed_query_photo", photo.pk)
    elif is_stale(photo) and not even_if_stale:
        return model
    try:
        with waiting_slot():
            end = time.monotonic() + seconds
            while needs_vector(photo, model) and not photo.failure and time.monotonic() < end:
                time.sleep(READ_SECONDS)
                photo.refresh_from_db(fields=["embedding", "embedding_model", "failure"])
    except TooBusy:
        return model
    return EmbeddingModel.objects.active()
