"""The words in which the shop asks for categories, products and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from shop.catalogue.models import Category, Product  # noqa: F401


class CategoryQuerySet(models.QuerySet["Category"]):
    def descendant_ids(self, category: Category) -> list[int]:
        """Return the ids of the category and its descendants.

        A query of their own, because the planner estimates products well only from literal ids.
        """
        below = self.filter(Q(pk=category.pk) | Q(path__startswith=f"{category.path}/"))
        return list(below.values_list("pk", flat=True))


class ProductQuerySet(models.QuerySet["Product"]):
    def listed(self) -> Self:
        """Shown in the shop, sold out or not."""
        return self.filter(listed=True)

    def unmerged(self) -> Self:
        """Without those that another product stands for since ``shop.catalogue.merging``."""
        return self.filter(merged_into=None)

    def following_merges(self, ids: Iterable[int]) -> list[int]:
        """The ids in their order, each once; for a merged product the one that stayed."""
        merged = self.filter(pk__in=list(ids), merged_into__isnull=False)
        stayed = dict(merged.values_list("pk", "merged_into"))
        return list(dict.fromkeys(stayed.get(pk) or pk for pk in ids))

    def in_stock(self) -> Self:
        return self.filter(stock__gt=0)

    def with_card_data(self) -> Self:
        """What a product card shows, in two queries however many cards there are."""
        return self.select_related("category").prefetch_related("images").defer("search")

    def newest_first(self) -> Self:
        return self.order_by("-created", "-pk")
