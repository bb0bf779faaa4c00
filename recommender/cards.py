"""Products as a block shows them."""

from __future__ import annotations

from collections.abc import Iterable

from shop.catalogue.models import Product, ProductImage


def cards(product_ids: Iterable[int]) -> dict[int, Product]:
    """By id, with their pictures, in one query; none that has no picture or is not listed by now.

    A replica may have found what was taken out of the shop a moment ago.
    """
    wanted = set(product_ids)
    if not wanted:
        return {}
    images = ProductImage.objects.filter(product__in=wanted, product__listed=True).select_related(
        "product"
    )
    found: dict[int, Product] = {}
    pictures: dict[int, list[ProductImage]] = {}
    for image in images.defer(
        "embedding_blue", "embedding_green", "product__search", "product__description"
    ).order_by("position", "pk"):
        found.setdefault(image.product_id, image.product)
        pictures.setdefault(image.product_id, []).append(image)
    for pk, product in found.items():
        # Where ``prefetch_related`` would have put them, with a query more.
        product._prefetched_objects_cache = {"images": pictures[pk]}  # type: ignore[attr-defined]
    return found
