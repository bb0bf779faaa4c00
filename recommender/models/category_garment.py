"""Define models that say which garments the products of a category are."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Category


class DiscreetCategory(models.Model):
    """Marks a category, such as underwear, that is recommended beside its own products only."""

    category = models.OneToOneField(
        Category, models.CASCADE, related_name="+", verbose_name=_("category")
    )

    class Meta:
        verbose_name = _("discreet category")
        verbose_name_plural = _("discreet categories")

    def __str__(self) -> str:
        return str(self.category)


class CategoryGarment(models.Model):
    """Stores the share of a category's images that show a garment.

    A task fills the rows by classifying images, which works for any category tree in any language.
    Staff can correct the result.
    """

    category = models.ForeignKey(
        Category, models.CASCADE, related_name="+", verbose_name=_("category")
    )
    garment = models.CharField(_("garment"), max_length=40)
    share = models.FloatField(_("share"))
    # Number of images classified to find the garment; 0 if it follows from the category's name or
    # was set by staff.
    images = models.PositiveSmallIntegerField(_("images"), default=0)
    corrected = models.BooleanField(_("corrected by staff"), default=False)

    class Meta:
        verbose_name = _("garment by category")
        verbose_name_plural = _("garments by category")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["category", "garment"], name="category_garment_once")
        ]

    def __str__(self) -> str:
        return f"{self.category}: {self.garment}"
