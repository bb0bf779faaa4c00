"""The recommender's blocks on the shop's pages."""

from __future__ import annotations

from django import template
from django.template import Context
from django.utils.translation import gettext as _

from recommender.nearest import similar_to_product
from shop.catalogue.models import Product

register = template.Library()


@register.inclusion_tag("recommender/includes/block.html", takes_context=True)
def similar_items(context: Context, product: Product) -> dict[str, object]:
    return {
        # What the cards of a page need.
        "request": context.get("request"),
        "saved_ids": context.get("saved_ids", ()),
        "block": "similar",
        "title": _("Similar items"),
        "products": similar_to_product(product),
        "note": _("Look-alikes appear here as soon as this picture has been looked at."),
    }
