"""Recommend the newest products of its category for a product without an embedding."""

from __future__ import annotations

from django.db.models import Case, Value, When

from recommender.models import EmbeddingModel, ImageEmbedding
from recommender.search.similar import fitting_genders
from shop.catalogue.models import Product


def has_embedding(product: Product) -> bool:
    """Return whether the active model has embedded an image of the product."""
    embeddings = EmbeddingModel.objects.active().embeddings
    return embeddings.filter(product=product, status=ImageEmbedding.Status.EMBEDDED).exists()


def newest_like(product: Product, count: int) -> list[int]:
    """Return ids of the newest products in the product's category, same colour first."""
    others = Product.objects.listed().in_stock().filter(category=product.category_id)
    others = others.exclude(pk=product.pk)
    if genders := fitting_genders(product.gender):
        others = others.filter(gender__in=genders)
    same_colour = When(base_colour=product.base_colour, then=Value(0))
    ordered = others.order_by(Case(same_colour, default=Value(1)), "-created", "-pk")
    return list(ordered.values_list("pk", flat=True)[:count])
