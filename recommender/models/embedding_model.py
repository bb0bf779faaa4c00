"""Define the networks and which table of embeddings each of them fills."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from recommender.models.embedding import BlueEmbedding, GreenEmbedding, ImageEmbedding


class EmbeddingModelQuerySet(models.QuerySet["EmbeddingModel"]):
    def active(self) -> EmbeddingModel:
        """Return the model whose embeddings are searched; there is always exactly one."""
        return self.get(state=EmbeddingModel.State.ACTIVE)

    def in_use(self) -> EmbeddingModelQuerySet:
        """Return the models whose tables workers fill, the active one first."""
        return self.filter(state__in=EmbeddingModel.IN_USE).order_by("state", "pk")


class EmbeddingModel(models.Model):
    """Represents a network: the name and hash of its folder, and the slot whose table it fills."""

    class Slot(models.TextChoices):
        BLUE = "blue", _("blue")
        GREEN = "green", _("green")

    class State(models.TextChoices):
        # The stored values are those of 0.1.
        ACTIVE = "active", _("active")
        BACKFILLING = "filling", _("backfilling")
        PREVIOUS = "previous", _("previous")  # still filled, so that a rollback is instant
        REMOVING = "freeing", _("being removed")
        RETIRED = "retired", _("retired")

    IN_USE = (State.ACTIVE, State.BACKFILLING, State.PREVIOUS)

    name = models.CharField(_("name"), max_length=80)
    sha256 = models.CharField(_("SHA-256 of the weights"), max_length=64, blank=True)
    slot = models.CharField(_("slot"), max_length=5, choices=Slot.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices)
    # Thresholds of distance are multiples of the spread, so that they suit every network.
    spread = models.FloatField(
        _("spread"),
        help_text=_("Median of half the squared L2 distance to the fifth neighbour."),
        default=0.03,
    )
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
    def _table_model(self) -> type[BlueEmbedding | GreenEmbedding]:
        return BlueEmbedding if self.slot == self.Slot.BLUE else GreenEmbedding

    @property
    def embeddings(self) -> models.QuerySet[ImageEmbedding]:
        """The rows of the slot's table, which belong to this model as long as it has the slot."""
        rows: models.QuerySet[ImageEmbedding] = self._table_model._default_manager.all()
        return rows

    @property
    def table(self) -> str:
        """The name of the slot's table."""
        return self._table_model._meta.db_table
