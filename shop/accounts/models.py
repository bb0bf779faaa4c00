"""Where a customer's parcels go."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from shop.core.countries import country_name

CONTACT = ("name", "street", "postcode", "city", "country", "phone")


class Address(models.Model):
    """One of a customer's addresses; the default one fills the checkout."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="addresses", editable=False
    )
    name = models.CharField(_("name"), max_length=120)
    street = models.CharField(_("street and number"), max_length=200)
    postcode = models.CharField(_("postcode"), max_length=20)
    city = models.CharField(_("city"), max_length=100)
    country = models.CharField(_("country"), max_length=80)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    is_default = models.BooleanField(_("use this one by default"), default=False)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ("-is_default", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(is_default=True), name="address_one_default"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.street}, {self.postcode} {self.city}"

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """The first address is the default; a new default replaces the old one."""
        others = Address.objects.filter(user=self.user).exclude(pk=self.pk)
        # Two tabs that save at once take turns.
        get_user_model().objects.select_for_update().get(pk=self.user_id)
        if self.is_default:
            others.update(is_default=False)
        elif not others.filter(is_default=True).exists():
            self.is_default = True
        super().save(*args, **kwargs)

    @property
    def country_name(self) -> str:
        return country_name(self.country)

    def contact(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in CONTACT}
