"""Choose the categories that the home page shows."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery, Sum

from shop.catalogue.models import Category, ProductImage, ProductTally


def largest_categories(count: int) -> list[Category]:
    """Return the categories with most listed products, each with its newest image as ``cover``."""
    tallied = ProductTally.objects.filter(category=OuterRef("pk")).values("category")
    images = ProductImage.objects.filter(
        product__category=OuterRef("pk"), product__listed=True
    ).order_by("-product__created", "-product__pk", "position", "pk")
    largest = Category.objects.annotate(
        listed_products=Subquery(tallied.annotate(sum=Sum("n")).values("sum")),
        newest_image=Subquery(images.values("pk")[:1]),
    ).filter(listed_products__gt=0, newest_image__isnull=False)
    categories = list(largest.order_by("-listed_products", "path")[:count])
    covers = ProductImage.objects.select_related("product").defer("product__search")
    by_id = covers.in_bulk([c.newest_image for c in categories])  # type: ignore[attr-defined]
    for category in categories:
        category.cover = by_id[category.newest_image]  # type: ignore[attr-defined]
    return categories
