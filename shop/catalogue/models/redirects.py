"""Define redirects from the former URLs of renamed categories and products.

Triggers on ``Category`` and ``Product`` insert them.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

WRITE_REDIRECT = (
    "INSERT INTO {table} ({field}, {owner}) VALUES (OLD.{field}, OLD.id)"
    " ON CONFLICT ({field}) DO UPDATE SET {owner} = OLD.id; RETURN NULL;"
)


def redirect_trigger(field: str, table: str, owner: str) -> pgtrigger.Trigger:
    """Return a trigger that inserts the old value of ``field`` into ``table`` when it changes."""
    return pgtrigger.Trigger(
        name=f"redirect_old_{field}",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf(field),
        condition=pgtrigger.AnyChange(field),
        func=WRITE_REDIRECT.format(field=field, table=table, owner=owner),
    )


class CategoryRedirect(models.Model):
    """Represents a redirect from a former path to the category that had it last."""

    path = models.CharField(max_length=255, primary_key=True)
    category = models.ForeignKey("catalogue.Category", models.CASCADE, related_name="redirects")

    class Meta:
        db_table = "catalogue_formerpath"
        verbose_name = _("redirect")
        verbose_name_plural = _("redirects")

    def __str__(self) -> str:
        return self.path


class ProductRedirect(models.Model):
    """Represents a redirect from a former slug to the product that had it last."""

    slug = models.SlugField(max_length=120, primary_key=True)
    product = models.ForeignKey("catalogue.Product", models.CASCADE, related_name="redirects")

    class Meta:
        db_table = "catalogue_formerslug"
        verbose_name = _("redirect")
        verbose_name_plural = _("redirects")

    def __str__(self) -> str:
        return self.slug
