"""The recommender's blocks on the shop's pages."""

from __future__ import annotations

from django import template
from django.http import QueryDict
from django.template import Context
from django.utils.translation import gettext as _

from recommender.blocks import Block, cart_block, picked_block, product_blocks
from recommender.steering import steps
from shop.cart.models import CartLine
from shop.catalogue.models import Product

register = template.Library()


@register.inclusion_tag("recommender/includes/block.html", takes_context=True)
def similar_items(context: Context, product: Product) -> dict[str, object]:
    similar, *below = product_blocks(product)
    # For the next tag: nothing is shown twice, so they are chosen together.
    context["request"].blocks_below = below
    return {
        **_for_cards(context),
        "block": similar.name,
        "title": similar.title,
        "products": similar.products,
        "steps": steps(product, QueryDict()),
        "note": _("Look-alikes appear here as soon as this picture has been looked at."),
    }


@register.inclusion_tag("recommender/includes/blocks.html", takes_context=True)
def goes_with_product(context: Context, product: Product) -> dict[str, object]:
    """The blocks below the similar items, which come first on the page."""
    below = context["request"].blocks_below
    return {**_for_cards(context), "blocks": below, "viewed": product}


@register.inclusion_tag("recommender/includes/blocks.html", takes_context=True)
def goes_with_cart(context: Context, lines: list[CartLine]) -> dict[str, object]:
    return {**_for_cards(context), "blocks": _some(cart_block(lines))}


@register.inclusion_tag("recommender/includes/blocks.html", takes_context=True)
def picked_for_you(context: Context) -> dict[str, object]:
    return {**_for_cards(context), "blocks": _some(picked_block(context["request"]))}


def _some(block: Block | None) -> list[Block]:
    return [block] if block else []


def _for_cards(context: Context) -> dict[str, object]:
    return {"request": context.get("request"), "saved_ids": context.get("saved_ids", ())}
