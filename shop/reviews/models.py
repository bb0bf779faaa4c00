"""Define reviews by buyers, and the triggers that keep products' ratings up to date."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Product
from shop.orders.models import Order

MAX_STARS = 5
MAX_TEXT = 2000

# The trigger adds differences instead of storing sums, because two transactions that publish
# reviews of one product would overwrite each other's sums.
ADD_TO_PRODUCT = (
    "UPDATE catalogue_product AS product SET rating_count = product.rating_count + change.reviews,"
    " rating_sum = product.rating_sum + change.stars"
    " FROM (SELECT product_id, sum(sign) AS reviews, sum(sign * stars) AS stars"
    " FROM ({rows}) AS each WHERE state = 'published' GROUP BY 1) AS change"
    " WHERE product.id = change.product_id AND (change.reviews <> 0 OR change.stars <> 0);"
    " RETURN NULL;"
)
ADDED = "SELECT product_id, state, stars, 1 AS sign FROM new_rows"
REMOVED = "SELECT product_id, state, stars, -1 AS sign FROM old_rows"


def _rating_trigger(operation: pgtrigger.Operation, rows: str, **tables: str) -> pgtrigger.Trigger:
    """Return a trigger that updates products' ratings when published reviews change."""
    return pgtrigger.Trigger(
        name=f"rating_on_{operation}".lower(),
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(**tables),
        func=ADD_TO_PRODUCT.format(rows=rows),
    )


class Review(models.Model):
    """Represents a buyer's review of a product; shown once staff have published it."""

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        PUBLISHED = "published", _("published")
        REJECTED = "rejected", _("rejected")

    class Fit(models.TextChoices):
        SMALL = "small", _("Runs small")
        TRUE = "true", _("True to size")
        LARGE = "large", _("Runs large")

    product = models.ForeignKey(
        Product, models.CASCADE, related_name="reviews", verbose_name=_("product")
    )
    order = models.ForeignKey(
        Order, models.CASCADE, related_name="reviews", verbose_name=_("order")
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("First name and initial."))
    stars = models.PositiveSmallIntegerField(
        _("stars"), validators=[MinValueValidator(1), MaxValueValidator(MAX_STARS)]
    )
    fit = models.CharField(_("fit"), max_length=5, choices=Fit.choices, blank=True)
    text = models.TextField(_("text"), blank=True, validators=[MaxLengthValidator(MAX_TEXT)])
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.PENDING)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ("-pk",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "product"], name="review_once"),
            models.CheckConstraint(
                condition=Q(stars__gte=1, stars__lte=MAX_STARS), name="review_stars"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["product", "-id"], condition=Q(state="published"), name="review_published"
            ),
            models.Index(fields=["-id"], condition=Q(state="pending"), name="review_pending"),
        ]
        # One trigger per operation, because PostgreSQL passes changed rows only to a trigger for a
        # single operation.
        triggers: ClassVar = [
            _rating_trigger(pgtrigger.Insert, ADDED, new="new_rows"),
            _rating_trigger(pgtrigger.Delete, REMOVED, old="old_rows"),
            _rating_trigger(
                pgtrigger.Update, f"{ADDED} UNION ALL {REMOVED}", new="new_rows", old="old_rows"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.stars}/{MAX_STARS}"


class ReviewRequest(models.Model):
    """Records that the buyer of an order was asked for reviews, or must not be asked."""

    order = models.OneToOneField(Order, models.CASCADE, primary_key=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("review request")
        verbose_name_plural = _("review requests")

    def __str__(self) -> str:
        return f"{self.order_id}"
