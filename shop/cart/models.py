"""Define carts and their lines."""

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
    """Represents the cart of a user, or of a guest whose session holds its id."""

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
        """Return the lines, oldest first, with everything that a page shows, in two queries."""
        lines = self.lines.select_related("variant__product__category")
        lines = lines.defer("variant__product__search")
        return list(lines.prefetch_related("variant__product__images").order_by("pk"))

    def count(self) -> int:
        """Return the sum of the quantities."""
        return self.lines.aggregate(pieces=Sum("quantity"))["pieces"] or 0


class CartLine(models.Model):
    cart = models.ForeignKey(Cart, models.CASCADE, related_name="lines")
    variant = models.ForeignKey(Variant, models.CASCADE, related_name="+")
    quantity = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])

    class Meta:
        verbose_name = _("cart item")
        verbose_name_plural = _("cart items")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cart", "variant"], name="cart_line_of_variant"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="cart_line_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant}"

    @property
    def total(self) -> Decimal:
        # There is no price if staff unlisted the product after it was added, and removed its price.
        return (self.variant.unit_price or Decimal(0)) * self.quantity

    @property
    def available(self) -> int:
        """Return how many pieces can be bought now."""
        return self.variant.stock if self.variant.product.listed else 0

    @property
    def exceeds_stock(self) -> bool:
        return self.quantity > self.available


def currencies(lines: Iterable[CartLine]) -> set[str]:
    """Return the currencies of the lines: only one, unless a product's currency has changed."""
    return {line.variant.product.currency for line in lines}
