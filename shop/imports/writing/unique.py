"""Slugs and SKUs that are new to the shop, where the file's are taken."""

from __future__ import annotations

import hashlib

from shop.catalogue.models import Product, Variant


def make_slugs_unique(products: list[Product], taken: set[str]) -> None:
    """Ids such as "A 1" and "a-1" give one slug; the later product gets a mark of its id."""
    for product in products:
        if product.slug in taken:
            mark = hashlib.sha256((product.external_id or "").encode()).hexdigest()[:8]
            product.slug = f"{product.slug[:111]}-{mark}"
        taken.add(product.slug)


def make_skus_unique(variants: list[Variant], taken: set[str]) -> None:
    """Staff may have given the SKU to something else; the imported variant gets a mark."""
    for variant in variants:
        if variant.sku in taken:
            mark = hashlib.sha256(variant.sku.encode()).hexdigest()[:8]
            variant.sku = f"{variant.sku[:55]}-{mark}"
