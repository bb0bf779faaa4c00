"""Define variants of products and manual adjustments of their stock."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shop.catalogue.attribute_names import attribute_name
from shop.catalogue.models.product import Product

# The trigger adds the difference, because concurrent transactions that each write a new sum would
# overwrite one another.
ADD_TO_PRODUCT = (
    "UPDATE catalogue_product AS product SET stock = product.stock + change.amount"
    " FROM (SELECT product_id, sum(amount) AS amount FROM ({rows}) AS each GROUP BY 1) AS change"
    " WHERE product.id = change.product_id AND change.amount <> 0; RETURN NULL;"
)
ADDED = "SELECT product_id, stock AS amount FROM new_rows"
REMOVED = "SELECT product_id, -stock AS amount FROM old_rows"


def _stock_trigger(operation: pgtrigger.Operation, rows: str, **tables: str) -> pgtrigger.Trigger:
    """Return a trigger that adds the ``amount`` of ``rows`` to the stock of their products.

    It runs once per statement, because the importer writes thousands of variants in one statement.
    """
    return pgtrigger.Trigger(
        name=f"stock_on_{operation}".lower(),
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(**tables),
        func=ADD_TO_PRODUCT.format(rows=rows),
    )


class Variant(models.Model):
    """Represents a size and colour of a product, which is the unit that customers order.

    Every product has at least one variant unless it was merged into another. Triggers add each
    change of ``stock`` to ``Product.stock``.
    """

    product = models.ForeignKey(
        Product, models.CASCADE, related_name="variants", verbose_name=_("product")
    )
    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    size = models.CharField(_("size"), max_length=20, blank=True)
    colour = models.CharField(_("colour"), max_length=40, blank=True)
    price = models.DecimalField(
        _("price"),
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text=_("Only if it differs from the product’s price."),
    )
    stock = models.PositiveIntegerField(_("stock"), default=0)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        ordering = ("position", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(price__gt=0) | Q(price=None), name="variant_price_positive"
            ),
            models.UniqueConstraint(
                fields=["product", "size", "colour"], name="variant_of_product"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["product", "size"], condition=~Q(size=""), name="variant_product_size"
            )
        ]
        # One trigger for each operation, because a trigger with transition tables may have only
        # one.
        triggers: ClassVar = [
            _stock_trigger(pgtrigger.Insert, ADDED, new="new_rows"),
            _stock_trigger(pgtrigger.Delete, REMOVED, old="old_rows"),
            _stock_trigger(
                pgtrigger.Update, f"{ADDED} UNION ALL {REMOVED}", new="new_rows", old="old_rows"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product.name} ({self.label})" if self.label else self.product.name

    @property
    def label(self) -> str:
        """Return size and colour for shoppers, such as "M, Red", or "" without either."""
        return ", ".join(word for word in (self.size, attribute_name(self.colour)) if word)

    @property
    def unit_price(self) -> Decimal | None:
        """Return the price of the variant or, if it has none, of its product.

        It is never ``None`` for a listed product.
        """
        return self.product.price if self.price is None else self.price


class StockAdjustment(models.Model):
    """Represents a manual change of stock; saved adjustments are never edited."""

    class Reason(models.TextChoices):
        DELIVERY = "delivery", _("delivery")
        COUNT = "count", _("stock count")
        DAMAGE = "damage", _("damaged or lost")
        RETURN = "return", _("return")
        OTHER = "other", _("other")

    variant = models.ForeignKey(
        Variant, models.CASCADE, related_name="adjustments", verbose_name=_("variant")
    )
    change = models.IntegerField(_("change"), help_text=_("Units added (5) or removed (-5)."))
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    note = models.CharField(_("note"), max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        verbose_name = _("stock adjustment")
        verbose_name_plural = _("stock adjustments")
        ordering = ("-pk",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(change=0), name="stock_adjustment_not_zero")
        ]

    def __str__(self) -> str:
        return f"{self.variant.sku}: {self.change:+d}"
