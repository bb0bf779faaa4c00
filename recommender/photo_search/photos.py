"""A photo's way: checked, cleaned, kept for a day, and given a vector."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from recommender.embedding.inference import embedder
from recommender.embedding.model_folder import ModelFolderError
from recommender.embedding.preprocessing import prepare
from recommender.models import EmbeddingModel, QueryPhoto
from recommender.photo_search.crops import Region, cut
from shop.catalogue.images.pictures import Picture, read_picture
from shop.catalogue.models import ProductImage

logger = logging.getLogger(__name__)
MAX_SIDE = 1024
# Of a photo that no network could look at.
UNAVAILABLE = "Photo search is unavailable at the moment. Try again later."
BATCH = 500
# A worker that is there embeds a photo sooner.
MISSED_AFTER = timedelta(seconds=2)
# Some seconds of work, for which a photo that is sent meanwhile has to wait.
MAX_MISSED = 50


def store_photo(data: bytes, region: Region | None = None) -> QueryPhoto:
    """Store one photo, or a region of it, without its metadata.

    Raises ``PictureError`` or ``RegionError``; then nothing is stored.
    """
    picture = sanitise(data, region)
    width, height = picture.image.size
    with _not_waiting_for_the_disk():
        return QueryPhoto.objects.create(content=picture.jpeg, width=width, height=height)


@contextmanager
def _not_waiting_for_the_disk() -> Iterator[None]:
    """Somebody waits, and a crash can take no more than the photos of its last moment: 2 ms."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        yield


def sanitise(data: bytes, region: Region | None = None) -> Picture:
    """What is searched with: the photo, or a region of it. Raises as ``store_photo``."""
    picture = read_picture(data, max_side=MAX_SIDE)
    if region is None:
        return picture
    return read_picture(cut(picture.jpeg, region), max_side=MAX_SIDE)


def store_crop(source: QueryPhoto | ProductImage, region: Region) -> QueryPhoto:
    """Store a part of a photo or of a product's picture. Raises ``RegionError``."""
    if isinstance(source, QueryPhoto):
        photo = store_photo(cut(bytes(source.content), region))
        # A part lives no longer than what it was cut out of.
        photo.parent, photo.expires = source, source.expires
    else:
        photo = store_photo(cut(source.read(), region))
        photo.image = source
    photo.crop_box = str(region)
    photo.save(update_fields=["parent", "image", "crop_box", "expires"])
    return photo


def needs_vector(photo: QueryPhoto, model: EmbeddingModel) -> bool:
    """A vector of another model than the active one is compared with nothing."""
    return photo.embedding is None or photo.embedding_model_id != model.pk


def state_of(photo: QueryPhoto, model: EmbeddingModel) -> str:
    """Return whether the search is ``ready``, ``waiting`` for its embedding, or ``failed``."""
    if photo.failure:
        return "failed"
    return "waiting" if needs_vector(photo, model) else "ready"


def embed_photo(photo_id: str) -> None:
    """Give the photo its embedding; safe to run twice, and for a photo that is gone."""
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
        prepared = prepare(bytes(photo.content), network.input_size)
    except Exception as error:  # decoders raise anything
        logger.exception("Query photo cannot be decoded")
        stored.update(failure=str(error)[:255])
        return
    vector = network.embed([prepared.pixels])[0].tolist()
    with _not_waiting_for_the_disk():
        stored.update(embedding=vector, colour=prepared.colour, embedding_model=model)


def embed_missed() -> None:
    """Embed the newest photos whose message was lost, or expired while no worker was there."""
    old = QueryPhoto.objects.live().filter(created__lt=timezone.now() - MISSED_AFTER)
    missed = old.filter(embedding=None, failure="").order_by("-created")
    for photo_id in missed.values_list("pk", flat=True)[:MAX_MISSED]:
        embed_photo(photo_id)


def delete_expired() -> int:
    """Delete what has lived its day. Returns how many photos.

    By their keys: Django would read them all at once, as a photo may have parts.
    """
    deleted = 0
    while keys := list(QueryPhoto.objects.expired().values_list("pk", flat=True)[:BATCH]):
        deleted += QueryPhoto.objects.filter(pk__in=keys).only("pk").delete()[0]
    return deleted
