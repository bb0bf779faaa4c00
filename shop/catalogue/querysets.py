"""Define chainable queries for categories and products."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from shop.catalogue.models import Category, Product  # noqa: F401


class ColourCount(models.Func):
    """Counts the colours among the variants of the product whose id is given.

    It is written in SQL because Django takes milliseconds to compile the same subquery.
    """

    template = """(SELECT count(DISTINCT colour) FROM catalogue_variant
        WHERE product_id = %(expressions)s AND colour <> '')"""
    output_field = models.IntegerField()


class CategoryQuerySet(models.QuerySet["Category"]):
    def descendant_ids(self, category: Category) -> list[int]:
        """Return the ids of the category and its descendants.

        They are not a subquery, because the planner needs literal ids to estimate the number of
        products.
        """
        below = self.filter(Q(pk=category.pk) | Q(path__startswith=f"{category.path}/"))
        return list(below.values_list("pk", flat=True))


class ProductQuerySet(models.QuerySet["Product"]):
    def listed(self) -> Self:
        """Exclude products that are not shown in the shop."""
        return self.filter(listed=True)

    def unmerged(self) -> Self:
        """Exclude products that were merged into another (``shop.catalogue.merging``)."""
        return self.filter(merged_into=None)

    def following_merges(self, ids: Iterable[int]) -> list[int]:
        """Replace the ids of merged products by those of their survivors, and remove duplicates."""
        merged = self.filter(pk__in=list(ids), merged_into__isnull=False)
        survivors = dict(merged.values_list("pk", "merged_into"))
        return list(dict.fromkeys(survivors.get(pk) or pk for pk in ids))

    def in_stock(self) -> Self:
        """Exclude sold-out products."""
        return self.filter(stock__gt=0)

    def with_card_data(self) -> Self:
        """Load all that product cards show, with two queries."""
        products = self.select_related("category").prefetch_related("images").defer("search")
        return products.annotate(colour_count=ColourCount("pk"))

    def newest_first(self) -> Self:
        return self.order_by("-created", "-pk")
