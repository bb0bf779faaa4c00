"""Define the model that stores decisions of staff about near-duplicates."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from shop.catalogue.models import Product


class DuplicateDismissal(models.Model):
    """Records that two products are not duplicates, as decided by staff."""

    one = models.ForeignKey(Product, models.CASCADE, related_name="+")
    other = models.ForeignKey(Product, models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "recommender_notthesame"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["one", "other"], name="not_the_same_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="not_the_same_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} {self.other_id}"
