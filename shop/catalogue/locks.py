"""The order in which rows are locked, so that nobody waits in a circle.

Variants by product, then products: who changes a variant's stock locks its product through the
trigger that keeps the sum. To be called in a transaction, before anything of these is written.
"""

from __future__ import annotations

from collections.abc import Iterable

from shop.catalogue.models import Product, Variant


def lock_variants(ids: Iterable[int]) -> list[Variant]:
    found = Variant.objects.filter(pk__in=list(ids)).order_by("product_id", "pk")
    return list(found.select_for_update())


def lock_products(ids: Iterable[int]) -> None:
    """With their variants."""
    ids = list(ids)
    variants = Variant.objects.filter(product__in=ids).order_by("product_id", "pk")
    products = Product.objects.filter(pk__in=ids).order_by("pk")
    for rows in (variants, products):
        list(rows.select_for_update().values_list("pk"))
