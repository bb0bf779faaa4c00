"""Choose the products and categories of the home page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from shop.catalogue.browsing.facets import count
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Category, Product, ProductImage

NEW_ARRIVALS = 10
HERO_PICTURES = 3
CATEGORIES = 12


@dataclass(frozen=True)
class HomeRows:
    """Holds the product and category rows of the home page.

    ``shown`` lists the products of these rows and those that the page has already shown above.
    """

    hero: list[Product]
    new: list[Product]
    categories: list[Category]
    shown: list[Product]


def home_rows(already_shown: Collection[Product]) -> HomeRows:
    """Return the rows of the home page, without duplicates and ``already_shown`` products."""
    products = Product.objects.listed().in_stock().with_card_data().newest_first()
    known = {product.pk for product in already_shown}
    wanted = NEW_ARRIVALS + HERO_PICTURES
    newest = [one for one in products[: wanted + len(known)] if one.pk not in known][:wanted]
    categories = largest_categories(CATEGORIES, without=[*newest, *already_shown])
    covers = [category.cover.product for category in categories if category.cover]
    return HomeRows(
        hero=newest[NEW_ARRIVALS:],
        new=newest[:NEW_ARRIVALS],
        categories=categories,
        shown=[*already_shown, *newest, *covers],
    )


def largest_categories(limit: int, without: Collection[Product] = ()) -> list[Category]:
    """Return the categories with the most listed products.

    The ``cover`` of each category is its newest image, but never one of a product in ``without``.
    """
    products = count(Product.objects.listed(), Filters()).categories
    images = ProductImage.objects.filter(
        product__category=OuterRef("pk"), product__listed=True
    ).order_by("-product__created", "-product__pk", "position", "pk")
    if without:
        images = images.exclude(product__in=[product.pk for product in without])
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
