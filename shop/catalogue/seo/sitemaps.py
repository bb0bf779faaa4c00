"""Define the sitemaps of pages, categories and products for search engines."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sitemaps import Sitemap
from django.db.models import Max
from django.urls import reverse

from shop.catalogue.models import Category, Product
from shop.catalogue.querysets import CategoryQuerySet, ProductQuerySet


class PageSitemap(Sitemap[str]):
    def items(self) -> list[str]:
        return ["catalogue:home", "catalogue:products", "recommender:photo-search"]

    def location(self, item: str) -> str:
        return reverse(item)


class CategorySitemap(Sitemap[Category]):
    limit = 5000

    def items(self) -> CategoryQuerySet:
        return Category.objects.order_by("path")


class ProductSitemap(Sitemap[Product]):
    limit = 5000

    def items(self) -> ProductQuerySet:
        return Product.objects.listed().only("slug", "updated").order_by("pk")

    def lastmod(self, item: Product) -> datetime:
        return item.updated

    def get_latest_lastmod(self) -> datetime | None:
        # One query finds the latest date, because Django would read every product.
        latest: datetime | None = Product.objects.listed().aggregate(at=Max("updated"))["at"]
        return latest


SITEMAPS: dict[str, type[Sitemap]] = {  # type: ignore[type-arg]
    "pages": PageSitemap,
    "categories": CategorySitemap,
    "products": ProductSitemap,
}
