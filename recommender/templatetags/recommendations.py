"""Provide rows of recommendations to templates, which render them by ``includes/rows.html``."""

from __future__ import annotations

from django import template
from django.template import Context

from recommender.recommendations import rows
from shop.cart.models import CartLine
from shop.catalogue.models import Product

register = template.Library()


@register.simple_tag
def product_recommendations(product: Product) -> list[rows.RecommendationRow]:
    """Return all rows of a product page at once, so that no two rows show the same product."""
    return rows.product_rows(product)


@register.simple_tag
def cart_recommendations(lines: list[CartLine]) -> list[rows.RecommendationRow]:
    """Return the rows of the cart page."""
    return rows.cart_rows(lines)


@register.simple_tag(takes_context=True)
def visitor_recommendations(context: Context) -> list[rows.RecommendationRow]:
    """Return the rows of the home and account pages, which are chosen for the visitor."""
    return rows.picked_rows(context["request"])
