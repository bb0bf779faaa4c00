"""Define product images."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.core.files.storage import storages
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField, HnswIndex

from shop.catalogue.models.product import Product
from shop.catalogue.models.sketches import sketch_of
from shop.catalogue.querysets import ProductImageManager

if TYPE_CHECKING:
    from shop.catalogue.images.pictures import Picture

VECTOR_DIMENSIONS = 2048


class ProductImage(models.Model):
    """A picture of a product, and what the network saw in it.

    ``embedding_blue`` and ``embedding_green`` hold L2-normalised vectors of 2,048 half-precision
    values, or NULL: still to do. The active ``recommender.EmbeddingModel`` says which one counts.
    ``recommender.pending`` fills them and the three columns after them; ``replace_file``
    empties them.
    """

    product = models.ForeignKey(
        Product, models.CASCADE, related_name="images", verbose_name=_("product")
    )
    file = models.CharField(_("file"), max_length=80, db_index=True, editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False)
    height = models.PositiveIntegerField(_("height"), editable=False)
    alt = models.CharField(_("alternative text"), max_length=255, blank=True)
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("The first one is the primary picture.")
    )
    embedding_blue = HalfVectorField(dimensions=VECTOR_DIMENSIONS, null=True, editable=False)
    embedding_green = HalfVectorField(dimensions=VECTOR_DIMENSIONS, null=True, editable=False)
    sketch_blue = sketch_of("embedding_blue")
    sketch_green = sketch_of("embedding_green")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, editable=False)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, editable=False)
    failure = models.CharField(_("failure"), max_length=255, blank=True, editable=False)

    objects = ProductImageManager()

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ("position", "pk")
        indexes: ClassVar = [
            models.Index(
                fields=["id"], name="image_blue_pending", condition=Q(embedding_blue__isnull=True)
            ),
            models.Index(
                fields=["id"], name="image_green_pending", condition=Q(embedding_green__isnull=True)
            ),
            *(
                HnswIndex(
                    fields=[f"sketch_{slot}"],
                    opclasses=["halfvec_l2_ops"],
                    name=f"image_{slot}_hnsw",
                    m=16,
                    ef_construction=64,
                )
                for slot in ("blue", "green")
            ),
        ]

    def __str__(self) -> str:
        return self.alt or self.file

    @property
    def alt_text(self) -> str:
        return self.alt or self.product.name

    def replace_file(self, picture: Picture) -> None:
        """Store a picture and set this row's fields to it, unsaved, with all embeddings reset."""
        self.file = picture.save()
        self.width, self.height = picture.image.size
        self.embedding_blue = self.embedding_green = self.claimed_until = None
        self.attempts, self.failure = 0, ""

    def read(self) -> bytes:
        """The original's bytes."""
        with storages["pictures"].open(self.file) as file:
            return bytes(file.read())
