"""Define the tables of embeddings and the triggers that maintain their rows."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField, HnswIndex, VectorField

from recommender.models import trigger_sql
from shop.catalogue.models import Category, Product, ProductImage

DIMENSIONS = 256


class ImageEmbedding(models.Model):
    """Stores the embedding of an image beside the product columns that searches filter by.

    Triggers add a row for each image to the table of each slot in use, reset the row when the
    image's file changes, and keep the product columns current. Workers fill the other columns
    (``recommender.embedding.worker``).
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        EMBEDDED = "embedded", _("done")
        FAILED = "failed", _("failed")

    # ``DO_NOTHING``, because the database deletes the row with its image: migration 0010 adds the
    # foreign key, with ON DELETE CASCADE.
    image = models.OneToOneField(
        ProductImage,
        models.DO_NOTHING,
        primary_key=True,
        db_constraint=False,
        related_name="%(class)s",
    )
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False, related_name="+")
    # Normalised to length 1.
    embedding = HalfVectorField(dimensions=DIMENSIONS, null=True)
    # The garment's median colour in CIE Lab, with lightness halved.
    colour = VectorField(dimensions=3, null=True)
    # The id of the first image with the same file, or of the image itself.
    duplicate_group = models.BigIntegerField(null=True)

    status = models.CharField(
        max_length=8, choices=Status.choices, default=Status.PENDING, db_default=Status.PENDING
    )
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    claimed_until = models.DateTimeField(null=True)
    failure = models.CharField(max_length=255, blank=True, default="", db_default="")

    category = models.ForeignKey(
        Category, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    gender = models.CharField(max_length=10)
    base_colour = models.CharField(max_length=40)
    # True if the product is listed and in stock.
    available = models.BooleanField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.image_id} {self.status}"


def _embedding_indexes(slot: str) -> list[models.Index]:
    return [
        HnswIndex(
            fields=["embedding"],
            opclasses=["halfvec_l2_ops"],
            name=f"embedding_{slot}_hnsw",
            m=16,
            ef_construction=64,
        ),
        models.Index(
            fields=["category", "gender", "base_colour"], name=f"embedding_{slot}_filters"
        ),
        models.Index(
            fields=["-image"], name=f"embedding_{slot}_pending", condition=Q(status="pending")
        ),
        models.Index(
            fields=["duplicate_group"],
            name=f"embedding_{slot}_copies",
            condition=~Q(duplicate_group=F("image")),
        ),
    ]


class BlueEmbedding(ImageEmbedding):
    class Meta:
        db_table = "recommender_embedding_blue"
        indexes: ClassVar = _embedding_indexes("blue")


class GreenEmbedding(ImageEmbedding):
    class Meta:
        db_table = "recommender_embedding_green"
        indexes: ClassVar = _embedding_indexes("green")


class EmbeddedImage(ProductImage):
    """Declares the triggers on images that maintain the rows of embeddings."""

    class Meta:
        proxy = True
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="add_embeddings",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_rows"),
                func=trigger_sql.ADD,
            ),
            pgtrigger.Trigger(
                name="reset_embeddings",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("file"),
                condition=pgtrigger.AnyChange("file"),
                func=trigger_sql.RESET,
            ),
            pgtrigger.Trigger(
                name="move_embeddings",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("product"),
                func=trigger_sql.MOVE,
            ),
        ]


class EmbeddedProduct(Product):
    """Declares the trigger that copies changes of a product to its images' rows of embeddings."""

    class Meta:
        proxy = True
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="describe_embeddings",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(trigger_sql.DESCRIPTION_CHANGED),
                func=trigger_sql.DESCRIBE,
            ),
        ]
