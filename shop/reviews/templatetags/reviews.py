"""Define tags for reviews in templates of the catalogue, which does not import this app."""

from __future__ import annotations

from django import template

from shop.catalogue.models import Product
from shop.reviews.models import Review
from shop.reviews.published import ReviewSummary, published, summary

register = template.Library()


@register.simple_tag
def review_summary(product: Product) -> ReviewSummary | None:
    """Return a summary of the product's reviews; None, without a query, if it has no reviews."""
    return summary(product) if product.rating_count else None


@register.simple_tag
def latest_reviews(product: Product, limit: int) -> list[Review]:
    """Return the product's newest published reviews; runs no query if there are none."""
    return list(published(product)[:limit]) if product.rating_count else []


@register.filter
def halves(rating: float) -> str:
    """Return a rating in half stars, for an HTML attribute: 9 for 4.3."""
    return str(round(rating * 2))
