"""The recommender's blocks on the shop's pages."""

from __future__ import annotations

from django import template
from django.http import QueryDict
from django.template import Context
from django.utils.translation import gettext as _

from recommender.blocks import Block, cart_block, picked_block, product_blocks
from recommender.nearest.five import FIVE, similar_to_product
from recommender.steering import steps
from shop.cart.models import CartLine
from shop.catalogue.models import Product

register = template.Library()


@register.inclusion_tag("recommender/includes/block.html", takes_context=True)
def similar_items(context: Context, product: Product) -> dict[str, object]:
    # As many again for the block below them, from the same search.
    found = similar_to_product(product, count=2 * FIVE)
    products = found[:FIVE]
    _shown(context).update(similar.pk for similar in products)
    context["request"].more_like = [similar.pk for similar in found[FIVE:]]
    return {
        **_for_cards(context),
        "block": "similar",
        "title": _("Similar items"),
        "products": products,
        "steps": steps(product, QueryDict()),
        "note": _("Look-alikes appear here as soon as this picture has been looked at."),
    }


@register.inclusion_tag("recommender/includes/blocks.html", takes_context=True)
def goes_with_product(context: Context, product: Product) -> dict[str, object]:
    """The blocks below the similar items; without what those show."""
    more_like = getattr(context["request"], "more_like", [])
    blocks = product_blocks(product, _shown(context), more_like)
    return {**_for_cards(context), "blocks": blocks, "viewed": product}


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


def _shown(context: Context) -> set[int]:
    """What the page shows already; the tags of one page share it through the request."""
    shown: set[int] = context["request"].__dict__.setdefault("shown_products", set())
    return shown
