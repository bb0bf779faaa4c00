"""Lock variants and products in a fixed order, so that transactions cannot deadlock.

Variants are locked first, ordered by product, and then products, because the trigger that sums the
stock locks the product after its variant. Call these functions in a transaction before writing any
such row.
"""

from __future__ import annotations

from collections.abc import Iterable

from shop.catalogue.models import Product, Variant


def lock_variants(ids: Iterable[int]) -> list[Variant]:
    """Lock and return variants."""
    found = Variant.objects.filter(pk__in=list(ids)).order_by("product_id", "pk")
    return list(found.select_for_update())


def lock_products(ids: Iterable[int]) -> None:
    """Lock products with their variants."""
    ids = list(ids)
    variants = Variant.objects.filter(product__in=ids).order_by("product_id", "pk")
    products = Product.objects.filter(pk__in=ids).order_by("pk")
    for rows in (variants, products):
        list(rows.select_for_update().values_list("pk"))
