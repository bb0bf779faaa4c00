"""Addresses that categories and products had: a link from outside still leads to them.

Triggers (migration 0013) write them, whatever it is that renames.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class FormerPath(models.Model):
    """``category`` was the last to have this path."""

    path = models.CharField(max_length=255, primary_key=True)
    category = models.ForeignKey("catalogue.Category", models.CASCADE, related_name="former_paths")

    class Meta:
        verbose_name = _("former address")
        verbose_name_plural = _("former addresses")

    def __str__(self) -> str:
        return self.path


class FormerSlug(models.Model):
    """``product`` was the last to have this slug."""

    slug = models.SlugField(max_length=120, primary_key=True)
    product = models.ForeignKey("catalogue.Product", models.CASCADE, related_name="former_slugs")

    class Meta:
        verbose_name = _("former address")
        verbose_name_plural = _("former addresses")

    def __str__(self) -> str:
        return self.slug
