"""Recommend products that complete an outfit, for the same wearer and in matching colours.

Each product has a role in an outfit, such as top or shoes, and is completed by other roles.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from functools import cache

from recommender.search.complements import Complement, find_complements
from shop.catalogue.browsing.colours import HEX, hex_of
from shop.catalogue.models import Product

# Slugs of categories by role. A category without a slug here has the role of its parent; the empty
# role is for products that are no part of an outfit, such as underwear, cosmetics and gifts.
ROLES = {
    "top": "topwear tshirts shirts tops kurtas kurtis tunics sweatshirts sweaters polos blouses",
    "layer": "jackets blazers waistcoat rain-jacket nehru-jackets shrug coats cardigans",
    "bottom": "bottomwear jeans shorts trousers track-pants leggings capris skirts patiala "
    "jeggings salwar churidar",
    "whole": "dress dresses saree sarees jumpsuit rompers lehenga-choli kurta-sets",
    "shoes": "shoes sandal flip-flops sandals casual-shoes sports-shoes heels formal-shoes flats "
    "sports-sandals boots sneakers",
    "bag": "bags handbags backpacks clutches messenger-bag duffel-bag rucksacks laptop-bag",
    "accessory": "belts eyewear sunglasses headwear caps hat jewellery scarves stoles mufflers "
    "ties watches gloves dupatta suspenders cufflinks",
    "": "innerwear loungewear-and-nightwear socks apparel-set free-gifts stockings tights "
    "swimwear tracksuits rain-trousers mobile-pouch tablet-sleeve trolley-bag wallets "
    "travel-accessory salwar-and-dupatta lounge-pants lounge-shorts headband",
}
ROLE_OF = {slug: role for role, slugs in ROLES.items() for slug in slugs.split()}
# The roles that complete an outfit with each role, in the order in which they are shown.
COMPLETED_BY = {
    "top": ("bottom", "shoes", "bag", "accessory"),
    "layer": ("top", "bottom", "shoes", "accessory"),
    "bottom": ("top", "shoes", "bag", "accessory"),
    "whole": ("shoes", "bag", "layer", "accessory"),
    "shoes": ("top", "bottom", "bag", "accessory"),
    "bag": ("top", "bottom", "shoes", "accessory"),
    "accessory": ("top", "bottom", "shoes", "bag"),
}
# Roles whose season must match: accessories are worn all year, whatever their season says.
SEASONAL = ("top", "layer", "bottom", "whole", "shoes")
# These colours match every colour.
NEUTRALS = frozenset(
    {
        *("black", "white", "off white", "cream", "beige", "grey", "grey melange", "charcoal"),
        *("silver", "steel", "metallic", "gold", "bronze", "copper", "khaki", "navy"),
        *("navy blue", "brown", "coffee brown", "mushroom brown", "tan", "taupe", "nude", "skin"),
    }
)
# Colours match if their hues differ by at most the first or at least the second value, in degrees.
MAX_SIMILAR = 40
MIN_OPPOSITE = 155


def role_of(product: Product) -> str:
    """Return the product's role in an outfit, or ``""``."""
    slugs = product.category.path.split("/")[::-1][:2]
    return next((ROLE_OF[slug] for slug in slugs if slug in ROLE_OF), "")


@cache
def colours_match(one: str, other: str) -> bool:
    """Return whether two colours match: a neutral matches any, hues match if near or opposite.

    Colours without a hue (multi, unknown) match neutrals only.
    """
    one, other = one.lower(), other.lower()
    if one in NEUTRALS or other in NEUTRALS:
        return True
    if not (hex_of(one) and hex_of(other)):
        return False
    difference = abs(_hue(one) - _hue(other)) % 360
    difference = min(difference, 360 - difference)
    return difference <= MAX_SIMILAR or difference >= MIN_OPPOSITE


def _hue(colour: str) -> float:
    """Return the hue in degrees, 0 to 360."""
    red, green, blue = (int(hex_of(colour)[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return colorsys.rgb_to_hls(red, green, blue)[0] * 360


def colours_for(colours: Iterable[str]) -> list[str]:
    """Return the names, in lower case, of colours that match all the given ones."""
    given = {colour.lower() for colour in colours}
    return sorted(colour for colour in HEX if all(colours_match(colour, other) for other in given))


def complements(
    products: Sequence[Product],
    *,
    around: Sequence[Product] | None = None,
    without: Iterable[int] = (),
) -> dict[str, list[Complement]]:
    """Return products that complete an outfit with ``products``, by role, the nearest first.

    ``around`` are those of ``products`` whose gender, usage, season, colours and embeddings the
    results must fit; by default all. ``without`` are ids of products to leave out. Takes one query;
    the categories of ``products`` must be loaded.
    """
    roles = {role_of(product) for product in products}
    if "whole" in roles:  # a dress replaces top and trousers
        roles |= {"top", "bottom"}
    sources = [source for source in around or products if role_of(source)]
    wanted = [role for source in sources for role in COMPLETED_BY[role_of(source)]]
    wanted = [role for role in dict.fromkeys(wanted) if role not in roles]
    if not wanted:
        return {}
    found = find_complements(
        [source.pk for source in sources],
        wanted,
        role_of=ROLE_OF,
        seasonal=SEASONAL,
        colours=colours_for(product.base_colour for product in sources),
        excluded=sorted({*without, *(product.pk for product in products)}),
    )
    return {role: [one for one in found if one.role == role] for role in wanted}


def outfit(
    by_role: dict[str, list[Complement]], *, without: Iterable[int] = (), rounds: int = 1
) -> list[int]:
    """Choose products for one gender, in each round one of every role; return their ids.

    Unisex products suit any gender; ``without`` are ids to leave out.
    """
    excluded, gender, chosen = set(without), "", list[int]()
    for role in list(by_role) * rounds:
        for one in by_role[role]:
            own = "" if one.gender == "Unisex" else one.gender
            if one.product_id not in excluded and own in {"", gender or own}:
                excluded.add(one.product_id)
                gender = gender or own
                chosen.append(one.product_id)
                break
    return chosen
