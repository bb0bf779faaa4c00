"""Fill in the product form of the admin."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from shop.catalogue.models import Product
from tests.factories import make_category


def change_page(product: Product) -> str:
    """Return the URL of the product's change page in the admin."""
    return reverse("admin:catalogue_product_change", args=[product.pk])


def form_data(product: Product | None, **changes: Any) -> dict[str, Any]:
    """Return the fields that the change page of the product submits."""
    images = list(product.images.all()) if product else []
    values: dict[str, Any] = {
        "name": "Red shirt",
        "category": (product.category if product else make_category()).pk,
        "price": "20.00",
        "currency": "EUR",
        "listed": "on",
        "images-TOTAL_FORMS": str(len(images) + 1),
        "images-INITIAL_FORMS": str(len(images)),
        f"images-{len(images)}-position": "0",
    }
    variants = list(product.variants.all()) if product else []
    values |= {
        "variants-TOTAL_FORMS": "1",
        "variants-INITIAL_FORMS": str(len(variants)),
        "variants-0-id": str(variants[0].pk) if variants else "",
        "variants-0-sku": "RED-1",
        "variants-0-stock": "3",
        "variants-0-position": "0",
    }
    for number, image in enumerate(images):
        values[f"images-{number}-id"] = str(image.pk)
        values[f"images-{number}-position"] = str(image.position)
    return values | changes
