"""Wait a moment for a photo's embedding, so that most pages show results without polling."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone

from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photo_search.photos import needs_vector
from shop.core.tasks import send
from shop.core.waiting import TooBusy, waiting_slot

POLL_SECONDS = 0.01
# A pending photo this old means that no worker is running.
STALE_AFTER = timedelta(seconds=6)


def is_stale(photo: QueryPhoto) -> bool:
    """Return whether the photo has waited so long that no worker seems to be running."""
    return timezone.now() - photo.created > STALE_AFTER


def wait_for_vector(
    photo: QueryPhoto, seconds: float, *, even_if_stale: bool = False
) -> EmbeddingModel:
    """Refresh the photo until it is embedded or has failed, for at most ``seconds``.

    Returns at once for a stale photo unless ``even_if_stale``, and if too many requests wait
    already. Returns the model that was active at the end.
    """
    model = EmbeddingModel.objects.active()
    if photo.failure or not needs_vector(photo, model):
        return model
    if photo.embedding is not None:
        # The photo was embedded by an earlier model. It is queued here, because the scheduled task
        # only finds photos without any embedding.
        send("recommender.tasks.embed_query_photo", photo.pk)
    elif is_stale(photo) and not even_if_stale:
        return model
    without_content = QueryPhoto.objects.defer("content")
    try:
        with waiting_slot():
            end = time.monotonic() + seconds
            while needs_vector(photo, model) and not photo.failure and time.monotonic() < end:
                time.sleep(POLL_SECONDS)
                photo.refresh_from_db(from_queryset=without_content)
    except TooBusy:
        return model
    return EmbeddingModel.objects.active()
