"""Make the slugs and SKUs of new rows unique if other rows have them already."""

from __future__ import annotations

import hashlib

from shop.catalogue.models import Product, Variant


def make_slugs_unique(products: list[Product], in_use: set[str]) -> None:
    """Append a hash of the id to slugs that are in use.

    Different ids, such as "A 1" and "a-1", give the same slug.
    """
    for product in products:
        if product.slug in in_use:
            suffix = hashlib.sha256((product.external_id or "").encode()).hexdigest()[:8]
            product.slug = f"{product.slug[:111]}-{suffix}"
        in_use.add(product.slug)


def make_skus_unique(variants: list[Variant], in_use: set[str]) -> None:
    """Append a hash to SKUs that other variants already have because staff entered them."""
    for variant in variants:
        if variant.sku in in_use:
            suffix = hashlib.sha256(variant.sku.encode()).hexdigest()[:8]
            variant.sku = f"{variant.sku[:55]}-{suffix}"
