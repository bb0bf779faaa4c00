"""Which network fills which column, and the photos that people search with."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from shop.catalogue.models import VECTOR_DIMENSIONS, Product, ProductImage
from shop.catalogue.models.sketches import SKETCH_DIMENSIONS


class EmbeddingModelQuerySet(models.QuerySet["EmbeddingModel"]):
    def active(self) -> EmbeddingModel:
        """The model whose vectors are searched. There is always exactly one."""
        return self.get(state=EmbeddingModel.State.ACTIVE)

    def filling(self) -> EmbeddingModelQuerySet:
        """The models whose column the workers fill, the active one first."""
        return self.filter(state__in=EmbeddingModel.FILLED).order_by("state", "pk")


class EmbeddingModel(models.Model):
    """A model folder and the column of ``ProductImage`` that holds its vectors."""

    class Slot(models.TextChoices):
        BLUE = "blue", _("blue")
        GREEN = "green", _("green")

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        FILLING = "filling", _("filling")
        PREVIOUS = "previous", _("previous")  # was active, and could be again
        FREEING = "freeing", _("being freed")
        RETIRED = "retired", _("retired")

    FILLED = (State.ACTIVE, State.FILLING, State.PREVIOUS)

    name = models.CharField(_("name"), max_length=80)
    slot = models.CharField(_("column"), max_length=5, choices=Slot.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = EmbeddingModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("embedding model")
        verbose_name_plural = _("embedding models")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["state"], name="embedding_model_one_active", condition=Q(state="active")
            ),
            models.UniqueConstraint(
                fields=["slot"], name="embedding_model_owns_slot", condition=~Q(state="retired")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.slot}, {self.state})"

    @property
    def column(self) -> str:
        return f"embedding_{self.slot}"

    @property
    def sketch(self) -> str:
        """The column of the first values of each of its vectors."""
        return f"sketch_{self.slot}"


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
    """A photo that somebody searches with: private, known by a random id only, gone in a day."""

    id = models.CharField(primary_key=True, max_length=22, default=_random_id, editable=False)
    content = models.BinaryField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    embedding = HalfVectorField(dimensions=VECTOR_DIMENSIONS, null=True)
    embedding_model = models.ForeignKey(EmbeddingModel, models.SET_NULL, null=True)
    failure = models.CharField(max_length=255, blank=True)
    # What it was cut out of, if it is a part: a photo or a product's picture.
    whole = models.ForeignKey("self", models.CASCADE, null=True, related_name="parts")
    image = models.ForeignKey(ProductImage, models.CASCADE, null=True, related_name="+")
    region = models.CharField(max_length=60, blank=True)
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


class Event(models.Model):
    """A block of recommendations was seen, or one of its products followed. Nobody is named."""

    class Kind(models.TextChoices):
        SEEN = "seen", _("seen")
        FOLLOWED = "followed", _("followed")
        SEARCHED = "searched", _("searched")
        VIEWED = "viewed", _("viewed")

    block = models.CharField(_("block"), max_length=16)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    product = models.ForeignKey(
        Product, models.CASCADE, null=True, related_name="+", verbose_name=_("product")
    )
    # Of a product page only: a random key that ties the pages of one visit together.
    visit = models.CharField(max_length=22, blank=True, editable=False)
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes: ClassVar = [models.Index(fields=["at"], name="event_at")]

    def __str__(self) -> str:
        return f"{self.block} {self.kind}"


class Affinity(models.Model):
    """Two products that go together in what people do; ``recommender.affinity`` computes them."""

    class Kind(models.TextChoices):
        BOUGHT = "bought", _("bought together")
        VIEWED = "viewed", _("viewed in one visit")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    product = models.ForeignKey(
        Product, models.CASCADE, related_name="affinities", verbose_name=_("product")
    )
    other = models.ForeignKey(
        Product, models.CASCADE, related_name="+", verbose_name=_("other product")
    )
    score = models.FloatField(_("score"))
    support = models.PositiveIntegerField(_("support"))

    class Meta:
        verbose_name = _("affinity")
        verbose_name_plural = _("affinities")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["product", "kind", "other"], name="affinity_once"),
            models.CheckConstraint(condition=~Q(product=F("other")), name="affinity_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.kind} {self.other_id}"


class PicturePair(models.Model):
    """Two products' pictures that are (almost) the same; ``recommender.duplicates`` finds them."""

    one = models.ForeignKey(ProductImage, models.CASCADE, related_name="+")
    other = models.ForeignKey(ProductImage, models.CASCADE, related_name="+")
    distance = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["one", "other"], name="picture_pair_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="picture_pair_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} {self.other_id}"


class ComparedPicture(models.Model):
    """A picture whose copies were looked for: this file, by this model."""

    image = models.OneToOneField(ProductImage, models.CASCADE, primary_key=True, related_name="+")
    file = models.CharField(max_length=80)
    model = models.ForeignKey(EmbeddingModel, models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return self.file


class NotTheSame(models.Model):
    """Somebody has looked at two products and says that they are two."""

    one = models.ForeignKey(Product, models.CASCADE, related_name="+")
    other = models.ForeignKey(Product, models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["one", "other"], name="not_the_same_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="not_the_same_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} {self.other_id}"


class Popularity(models.Model):
    """In how many visits and orders a product was; ``recommender.affinity`` counts them."""

    product = models.OneToOneField(
        Product, models.CASCADE, primary_key=True, related_name="+", verbose_name=_("product")
    )
    baskets = models.PositiveIntegerField(_("visits and orders"))

    class Meta:
        verbose_name = _("popularity")
        verbose_name_plural = _("popularities")

    def __str__(self) -> str:
        return f"{self.product_id}: {self.baskets}"


class Cell(models.Model):
    """The vectors of a model that are nearer to this centre than to that of any other cell.

    ``recommender.nearest.cells`` chooses the centres: sketches of real pictures.
    """

    model = models.ForeignKey(EmbeddingModel, models.CASCADE, related_name="cells")
    centre = HalfVectorField(dimensions=SKETCH_DIMENSIONS)
    # Since when its pictures move to cells that were chosen from more pictures.
    retired = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.pk)


class Placement(models.Model):
    """The cell of a picture's vector, with what filters ask of its product.

    Kept by triggers on pictures and products (migration 0008), whoever writes those.
    """

    pk = models.CompositePrimaryKey("image_id", "slot")
    # The database deletes it with its picture.
    image = models.ForeignKey(
        ProductImage, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    slot = models.CharField(max_length=5, choices=EmbeddingModel.Slot.choices)
    cell = models.ForeignKey(
        Cell, models.DO_NOTHING, null=True, db_index=False, related_name="placements"
    )
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False, related_name="+")
    available = models.BooleanField()
    gender = models.CharField(max_length=10)
    base_colour = models.CharField(max_length=40)
    category_id = models.BigIntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        indexes: ClassVar = [
            # Whether a model is divided, while another is being filled and has no cells yet.
            models.Index(fields=["slot"], condition=Q(cell=None), name="placement_undivided"),
            # One for each filter, which answers without the table.
            models.Index(
                fields=["cell", "price"],
                include=["image", "product", "available"],
                name="placement_price",
            ),
            *(
                models.Index(
                    fields=["cell", field],
                    include=["image", "product"],
                    condition=Q(available=True),
                    name=f"placement_{name}",
                )
                for name, field in {
                    "gender": "gender",
                    "colour": "base_colour",
                    "category": "category_id",
                }.items()
            ),
        ]

    def __str__(self) -> str:
        return f"{self.image_id} {self.slot}"
