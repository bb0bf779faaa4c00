"""What somebody means to buy."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Variant

MAX_QUANTITY = 99


class Cart(models.Model):
    """Of a user, or of a guest whose session knows its id."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="cart"
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("cart")
        verbose_name_plural = _("carts")

    def __str__(self) -> str:
        return f"{self.pk}"

    def lines_for_page(self) -> list[CartLine]:
        """In the order in which they were added, with all that a page shows: two queries."""
        lines = self.lines.select_related("variant__product__category")
        lines = lines.defer("variant__product__search")
        return list(lines.prefetch_related("variant__product__images").order_by("pk"))

    def count(self) -> int:
        """How many pieces."""
        return self.lines.aggregate(pieces=Sum("quantity"))["pieces"] or 0


class CartLine(models.Model):
    cart = models.ForeignKey(Cart, models.CASCADE, related_name="lines")
    variant = models.ForeignKey(Variant, models.CASCADE, related_name="+")
    quantity = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])

    class Meta:
        verbose_name = _("cart line")
        verbose_name_plural = _("cart lines")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cart", "variant"], name="cart_line_of_variant"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="cart_line_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant}"

    @property
    def total(self) -> Decimal:
        # Of a product that was unlisted since it was put here, staff may have removed the price.
        return (self.variant.unit_price or Decimal(0)) * self.quantity

    @property
    def available(self) -> int:
        """How many can be bought now."""
        return self.variant.stock if self.variant.product.listed else 0

    @property
    def is_short(self) -> bool:
        return self.quantity > self.available


def currencies(lines: Iterable[CartLine]) -> set[str]:
    """One, unless a price has changed to another since it was put there."""
    return {line.variant.product.currency for line in lines}
