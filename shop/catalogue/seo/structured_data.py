"""Describe pages to search engines as schema.org data in JSON-LD."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

from shop.catalogue.images.renditions import WIDTHS, rendition_url
from shop.catalogue.models import Category, Product, Variant

# These characters are escaped as in Django's json_script, because they could end the script
# element.
ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


def script(data: dict[str, Any]) -> SafeString:
    """Return the data as a JSON-LD script element."""
    text = json.dumps({"@context": "https://schema.org", **data}, ensure_ascii=False)
    return mark_safe(  # noqa: S308 - escaped just here
        f'<script type="application/ld+json">{text.translate(ESCAPES)}</script>'
    )


def breadcrumbs(request: HttpRequest, trail: list[Category]) -> dict[str, Any]:
    """Return a schema.org ``BreadcrumbList`` of these categories, the topmost first."""
    items = [
        {
            "@type": "ListItem",
            "position": n,
            "name": node.display_name,
            "item": request.build_absolute_uri(node.get_absolute_url()),
        }
        for n, node in enumerate(trail, 1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def picture_urls(request: HttpRequest, product: Product) -> list[str]:
    """Return the absolute URLs of the product's pictures."""
    return [
        request.build_absolute_uri(rendition_url(image.file, min(image.width, WIDTHS["page"])))
        for image in product.images.all()
    ]


def product_data(request: HttpRequest, product: Product) -> dict[str, Any]:
    """Return a product as a schema.org ``Product`` with its offers and rating."""
    url = request.build_absolute_uri(product.get_absolute_url())
    data: dict[str, Any] = {
        "@type": "Product",
        "name": product.name,
        "url": url,
        "sku": product.external_id or product.slug,
        "image": picture_urls(request, product),
        "category": product.category.display_name,
        "offers": [_offer(product, variant, url) for variant in product.variants.all()],
    }
    optional = {
        "description": product.description,
        "color": product.base_colour,
        "brand": {"@type": "Brand", "name": product.brand} if product.brand else None,
        "aggregateRating": _rating(product) if product.rating_count else None,
    }
    return data | {name: value for name, value in optional.items() if value}


def _rating(product: Product) -> dict[str, Any]:
    return {
        "@type": "AggregateRating",
        "ratingValue": product.rating,
        "reviewCount": product.rating_count,
    }


def _offer(product: Product, variant: Variant, url: str) -> dict[str, Any]:
    price = product.price if variant.price is None else variant.price
    state = "InStock" if variant.stock else "OutOfStock"
    return {
        "@type": "Offer",
        "sku": variant.sku,
        "url": url,
        "price": str(price),
        "priceCurrency": product.currency,
        "availability": f"https://schema.org/{state}",
    }


def site_data(request: HttpRequest, name: str) -> dict[str, Any]:
    """Return the shop as a schema.org ``WebSite`` with the URL of its search."""
    target = request.build_absolute_uri("/search/?q=")
    return {
        "@type": "WebSite",
        "name": name,
        "url": request.build_absolute_uri("/"),
        "potentialAction": {
            "@type": "SearchAction",
            "target": f"{target}{{search_term_string}}",
            "query-input": "required name=search_term_string",
        },
    }
