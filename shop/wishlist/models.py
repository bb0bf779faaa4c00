"""Define wishlists and stock alerts."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from shop.catalogue.models import Product, Variant


class SavedProduct(models.Model):
    """Represents a product on a customer's wishlist; guests' wishlists are in the session."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved")
    product = models.ForeignKey(Product, models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    # The price when the product was added; unknown for rows of version 0.1.
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, blank=True)
    # Whether the product was sold out when it was added, or later when the wishlist was shown.
    sold_out = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("wishlist item")
        verbose_name_plural = _("wishlist items")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "product"], name="saved_product_once")
        ]

    def __str__(self) -> str:
        return f"{self.product}"


def _token() -> str:
    return secrets.token_urlsafe(16)


class SharedWishlist(models.Model):
    """Represents the link that shares a customer's wishlist until the row is deleted."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="shared_wishlist"
    )
    token = models.CharField(max_length=22, unique=True, default=_token)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("shared wishlist")
        verbose_name_plural = _("shared wishlists")

    def __str__(self) -> str:
        return f"{self.user_id}"

    def get_absolute_url(self) -> str:
        return reverse("wishlist:shared", args=[self.token])


class StockAlert(models.Model):
    """Represents a request for an email when a variant is back in stock.

    The row is deleted once the email is queued.
    """

    variant = models.ForeignKey(Variant, models.CASCADE, related_name="+")
    email = models.EmailField(_("email"))
    language = models.CharField(_("language"), max_length=10)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("back-in-stock alert")
        verbose_name_plural = _("back-in-stock alerts")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["variant", "email"], name="stock_alert_once")
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.variant}"
