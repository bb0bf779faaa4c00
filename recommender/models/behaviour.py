"""Define the anonymous events of visitors, and the figures computed from these events."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Product


class Event(models.Model):
    """Records an anonymous event, such as an impression of a recommendation row or a click."""

    class Kind(models.TextChoices):
        # The stored values are those of 0.1.
        IMPRESSION = "seen", _("impression")
        CLICK = "followed", _("click")
        SEARCHED = "searched", _("search")
        ADDED = "added", _("added to cart")
        VIEWED = "viewed", _("view")
        CORRECTED = "corrected", _("correction")

    block = models.CharField(_("row"), max_length=16)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)
    product = models.ForeignKey(
        Product, models.CASCADE, null=True, related_name="+", verbose_name=_("product")
    )
    # Set for views of product pages only: a random key that the pages of one visit share.
    visit = models.CharField(max_length=22, blank=True, editable=False)
    at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes: ClassVar = [models.Index(fields=["at"], name="event_at")]

    def __str__(self) -> str:
        return f"{self.block} {self.kind}"


class EmptySearch(models.Model):
    """Counts searches without a result by text and day, anonymously."""

    text = models.CharField(_("search term"), max_length=60)
    day = models.DateField(_("day"))
    searches = models.PositiveIntegerField(_("searches"))

    class Meta:
        verbose_name = _("search with no results")
        verbose_name_plural = _("searches with no results")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "text"], name="empty_search_of_day")
        ]

    def __str__(self) -> str:
        return f"{self.text}: {self.searches}"


class Affinity(models.Model):
    """Relates two products that were bought together or viewed in one visit."""

    class Kind(models.TextChoices):
        BOUGHT = "bought", _("bought together")
        VIEWED = "viewed", _("viewed in the same visit")

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


class Popularity(models.Model):
    """Counts the visits and orders that a product was part of."""

    product = models.OneToOneField(
        Product, models.CASCADE, primary_key=True, related_name="+", verbose_name=_("product")
    )
    baskets = models.PositiveIntegerField(_("visits and orders"))

    class Meta:
        verbose_name = _("popularity")
        verbose_name_plural = _("popularity")

    def __str__(self) -> str:
        return f"{self.product_id}: {self.baskets}"
