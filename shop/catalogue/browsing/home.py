"""Choose the categories that the home page shows."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery

from shop.catalogue.browsing.facets import count
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Category, Product, ProductImage


def largest_categories(limit: int) -> list[Category]:
    """Return the categories with most listed products, each with its newest image as ``cover``."""
    products = count(Product.objects.listed(), Filters()).categories
    images = ProductImage.objects.filter(
        product__category=OuterRef("pk"), product__listed=True
    ).order_by("-product__created", "-product__pk", "position", "pk")
    newest = Category.objects.annotate(newest_image=Subquery(images.values("pk")[:1]))
    rows = newest.filter(pk__in=products, newest_image__isnull=False)
    largest = sorted(
        rows.values_list("pk", "path", "newest_image"), key=lambda row: (-products[row[0]], row[1])
    )[:limit]
    covers = ProductImage.objects.select_related("product__category").defer("product__search")
    by_id = covers.in_bulk([newest_image for _pk, _path, newest_image in largest])
    categories = []
    for _pk, _path, newest_image in largest:
        cover = by_id[newest_image]
        cover.product.category.cover = cover
        categories.append(cover.product.category)
    return categories
