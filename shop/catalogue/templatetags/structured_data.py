"""Define template tags for Open Graph and JSON-LD in the head of pages."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.template import Context
from django.utils.safestring import SafeString

from shop.catalogue.models import Category, Product
from shop.catalogue.seo.structured_data import (
    breadcrumbs,
    picture_urls,
    product_data,
    script,
    site_data,
)

register = template.Library()


@register.inclusion_tag("includes/social.html", takes_context=True)
def product_social(context: Context, product: Product) -> dict[str, object]:
    """Render the Open Graph and JSON-LD tags of a product page."""
    request = context["request"]
    return {
        "kind": "product",
        "title": product.name,
        "url": request.build_absolute_uri(product.get_absolute_url()),
        "description": product.description,
        "pictures": picture_urls(request, product),
        "more": {
            "product:price:amount": str(product.price),
            "product:price:currency": product.currency,
        },
        "scripts": [
            script(product_data(request, product)),
            script(breadcrumbs(request, product.category.trail)),
        ],
    }


@register.inclusion_tag("includes/social.html", takes_context=True)
def site_social(context: Context) -> dict[str, object]:
    """Render the Open Graph and JSON-LD tags of the home page."""
    request = context["request"]
    return {
        "kind": "website",
        "title": settings.SITE_NAME,
        "url": request.build_absolute_uri("/"),
        "scripts": [script(site_data(request, settings.SITE_NAME))],
    }


@register.simple_tag(takes_context=True)
def breadcrumb_data(context: Context, trail: list[Category]) -> SafeString:
    """Return the JSON-LD of a category's breadcrumbs."""
    return script(breadcrumbs(context["request"], trail))
