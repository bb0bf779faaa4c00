"""Define the photos that shoppers search with."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField, VectorField

from recommender.models.embedding import DIMENSIONS
from recommender.models.embedding_model import EmbeddingModel
from shop.catalogue.models import ProductImage


def _random_id() -> str:
    return secrets.token_urlsafe(16)


def _expiry() -> timezone.datetime:  # type: ignore[name-defined]
    return timezone.now() + timedelta(hours=settings.PHOTO_LIFETIME_HOURS)


class QueryPhotoQuerySet(models.QuerySet["QueryPhoto"]):
    def live(self) -> QueryPhotoQuerySet:
        return self.filter(expires__gt=timezone.now())

    def expired(self) -> QueryPhotoQuerySet:
        return self.filter(expires__lte=timezone.now())


class QueryPhoto(models.Model):
    """Stores a shopper's photo until it expires. Anybody with its random id can see it."""

    id = models.CharField(primary_key=True, max_length=22, default=_random_id, editable=False)
    content = models.BinaryField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    embedding = HalfVectorField(dimensions=DIMENSIONS, null=True)
    # The embedding of the whole photo. ``embedding`` combines it with the cut-out's.
    whole_embedding = HalfVectorField(dimensions=DIMENSIONS, null=True)
    colour = VectorField(dimensions=3, null=True)
    # The likeliest garments as (name, probability): empty if the photo shows none, null if the
    # classifier is unavailable.
    garments = models.JSONField(null=True)
    embedding_model = models.ForeignKey(EmbeddingModel, models.SET_NULL, null=True)
    failure = models.CharField(max_length=255, blank=True)
    # The photo or the product image that a crop was cut from.
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="crops")
    image = models.ForeignKey(ProductImage, models.CASCADE, null=True, related_name="+")
    crop_box = models.CharField(max_length=60, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(default=_expiry, db_index=True)

    objects = QueryPhotoQuerySet.as_manager()

    class Meta:
        verbose_name = _("query photo")
        verbose_name_plural = _("query photos")

    def __str__(self) -> str:
        return self.id

    def get_absolute_url(self) -> str:
        return reverse("recommender:photo-results", args=[self.id])

    @property
    def likely_garments(self) -> list[str]:
        """The names of the detected garments, the likeliest first."""
        return [name for name, _probability in self.garments or ()]
