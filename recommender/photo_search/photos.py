"""Store query photos, embed them, and delete them when they expire."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone
from PIL import Image

from recommender.embedding.inference import Embedder, Vectors, embedder
from recommender.embedding.model_folder import ModelFolderError
from recommender.embedding.preprocessing import prepare_photo
from recommender.garments.categories import garments_of
from recommender.garments.classifier import classify_garments, garments, shows_nothing
from recommender.models import EmbeddingModel, Event, QueryPhoto
from recommender.photo_search.crops import Region, crop
from recommender.tracking.events import record, tracking_allowed
from shop.catalogue.images.pictures import Picture, read_picture
from shop.catalogue.models import ProductImage
from shop.core.tasks import enqueue

logger = logging.getLogger(__name__)
MAX_SIDE = 1024
CUT_OUT_WEIGHT = 2
LIKELY_GARMENTS = 3
# Stored as the failure of photos that could not be embedded because no network was available.
UNAVAILABLE = "Photo search isn’t available at the moment. Try again later."
DELETE_BATCH = 500
# A photo still not embedded after this time was missed, because a running worker is faster.
MISSED_AFTER = timedelta(seconds=2)
# Limits the task for missed photos to some seconds, because new photos wait until it ends.
MAX_MISSED = 50


def store_photo(
    data: bytes, region: Region | None = None, image: ProductImage | None = None
) -> QueryPhoto:
    """Store a photo, or a region of it, without its metadata.

    ``image`` is the product image that a sample photo was taken from. Raises ``PictureError`` or
    ``RegionError``; then nothing is stored.
    """
    picture = sanitise(data, region)
    width, height = picture.image.size
    with _asynchronous_commit():
        return QueryPhoto.objects.create(
            content=picture.jpeg, width=width, height=height, image=image
        )


def start_search(request: HttpRequest, photo: QueryPhoto) -> None:
    """Let a worker embed the stored photo, and count the search unless the visitor opted out."""
    enqueue("recommender.tasks.embed_query_photo", photo.pk)
    if tracking_allowed(request):
        record([("photo", Event.Kind.SEARCHED, None)])


@contextmanager
def _asynchronous_commit() -> Iterator[None]:
    """Commit without waiting for fsync, which saves 2 ms; a crash loses only the newest photos."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        yield


def sanitise(data: bytes, region: Region | None = None) -> Picture:
    """Decode a photo or a region of it, without metadata. Raises the same as ``store_photo``."""
    picture = read_picture(data, max_side=MAX_SIDE)
    if region is None:
        return picture
    return read_picture(crop(picture.jpeg, region), max_side=MAX_SIDE)


def store_crop(source: QueryPhoto | ProductImage, region: Region) -> QueryPhoto:
    """Store a region of a photo or of a product's image. Raises the same as ``store_photo``."""
    if isinstance(source, QueryPhoto):
        photo = store_photo(crop(bytes(source.content), region))
        # A crop expires with its photo, because it shows a part of that photo.
        photo.parent, photo.expires = source, source.expires
    else:
        photo = store_photo(crop(source.read(), region))
        photo.image = source
    photo.crop_box = str(region)
    photo.save(update_fields=["parent", "image", "crop_box", "expires"])
    return photo


def needs_vector(photo: QueryPhoto, model: EmbeddingModel) -> bool:
    """Return whether the photo has no embedding by the model."""
    return photo.embedding is None or photo.embedding_model_id != model.pk


def state_of(photo: QueryPhoto, model: EmbeddingModel) -> str:
    """Return whether the search is ``ready``, ``waiting``, ``failed`` or ``unavailable``."""
    if photo.failure:
        return "unavailable" if photo.failure == UNAVAILABLE else "failed"
    return "waiting" if needs_vector(photo, model) else "ready"


def embed_photo(photo_id: str) -> None:
    """Embed the photo; does nothing if it was embedded, failed or was deleted."""
    model = EmbeddingModel.objects.active()
    photo = QueryPhoto.objects.live().filter(pk=photo_id).first()
    if photo is None or photo.failure or not needs_vector(photo, model):
        return
    stored = QueryPhoto.objects.filter(pk=photo_id)
    try:
        network = embedder(model)
    except ModelFolderError as error:
        logger.error("Photos are not embedded: %s", error)
        stored.update(failure=UNAVAILABLE)
        return
    try:
        found = analyse_photo(photo, network)
    except Exception as error:  # decoders raise any exception
        logger.exception("Query photo cannot be decoded")
        stored.update(failure=str(error)[:255])
        return
    with _asynchronous_commit():
        stored.update(embedding_model=model, **found)


def analyse_photo(photo: QueryPhoto, network: Embedder) -> dict[str, Any]:
    """Return the embeddings, colour and garments of a photo. Raises what decoders raise.

    A second thread classifies the garment while the network runs.
    """
    prepared = prepare_photo(bytes(photo.content), network.input_size)
    with ThreadPoolExecutor(1) as thread:
        classified = thread.submit(_detect_garments, photo, prepared.images)
        vectors = network.embed(prepared.views)
    return {
        "embedding": _combine(vectors, network.folder.photo_shift).tolist(),
        "whole_embedding": vectors[0].tolist(),
        "colour": prepared.colour,
        "garments": classified.result(),
    }


def _combine(vectors: Vectors, shift: Vectors | None) -> Vectors:
    """Return the embedding to search with: of a whole photo and, if there is one, its cut-out.

    The cut-out has twice the weight because this gave the best results. Photos of real scenes are
    shifted to where catalogue images are; otherwise the few images that resemble any such photo
    would be found for most of them.
    """
    whole: Vectors = vectors[0]
    if len(vectors) == 1:
        return whole
    combined = _normalise(whole + CUT_OUT_WEIGHT * vectors[1])
    return combined if shift is None else _normalise(combined - shift)


def _normalise(vector: Vectors) -> Vectors:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _detect_garments(
    photo: QueryPhoto, images: list[Image.Image]
) -> list[tuple[str, float]] | None:
    """Return the likeliest garments: ``[]`` if the photo shows none, ``None`` if not classified.

    A sample photo has the garments of its product's category. For others, probabilities are
    averaged over the whole photo and its cut-out: of 341 validation photos, the likeliest garment
    is then right for 88 %, and for 85 % by the whole photo alone.
    """
    if photo.image and not photo.crop_box and (held := garments_of(photo.image.product.category)):
        return [(name, 1.0) for name in sorted(held)]
    if shows_nothing(images[0]):
        return []
    probabilities = classify_garments(images)
    if probabilities is None:
        return None
    mean = probabilities.mean(axis=0)
    likeliest = np.argsort(-mean)[:LIKELY_GARMENTS]
    return [(garments()[i], round(float(mean[i]), 4)) for i in likeliest]


def embed_missed() -> None:
    """Embed the newest photos whose task was lost, or expired because no worker was running."""
    old = QueryPhoto.objects.live().filter(created__lt=timezone.now() - MISSED_AFTER)
    missed = old.filter(embedding=None, failure="").order_by("-created")
    for photo_id in missed.values_list("pk", flat=True)[:MAX_MISSED]:
        embed_photo(photo_id)


def delete_expired() -> int:
    """Delete expired photos and return how many there were.

    Photos are deleted by key in batches, because Django would otherwise load all of them at once.
    """
    deleted = 0
    while keys := list(QueryPhoto.objects.expired().values_list("pk", flat=True)[:DELETE_BATCH]):
        deleted += QueryPhoto.objects.filter(pk__in=keys).only("pk").delete()[0]
    return deleted
