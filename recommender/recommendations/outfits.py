"""What goes with a product: another part of an outfit, for the same person, in colours that agree.

Complements, never look-alikes: a product's own role is never proposed.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from functools import cache

from recommender.search.complements import Complement, goes_with
from shop.catalogue.browsing.colours import HEX, hex_of
from shop.catalogue.models import Product

# Of an article type, or else of the category above it, by its slug. What stands here with no role,
# or does not stand here, is no part of an outfit: underwear, nightwear, cosmetics, gifts.
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
# What completes an outfit around each role, in the order in which it is shown.
COMPLETED_BY = {
    "top": ("bottom", "shoes", "bag", "accessory"),
    "layer": ("top", "bottom", "shoes", "accessory"),
    "bottom": ("top", "shoes", "bag", "accessory"),
    "whole": ("shoes", "bag", "layer", "accessory"),
    "shoes": ("top", "bottom", "bag", "accessory"),
    "bag": ("top", "bottom", "shoes", "accessory"),
    "accessory": ("top", "bottom", "shoes", "bag"),
}
# A watch is worn all year, whatever its row says.
SEASONAL = ("top", "layer", "bottom", "whole", "shoes")
# Go with every colour.
NEUTRALS = frozenset(
    {
        *("black", "white", "off white", "cream", "beige", "grey", "grey melange", "charcoal"),
        *("silver", "steel", "metallic", "gold", "bronze", "copper", "navy blue", "khaki"),
        *("brown", "coffee brown", "mushroom brown", "tan", "taupe", "nude", "skin"),
    }
)
# Degrees on the wheel of hues.
ALIKE = 40
OPPOSITE = 155
FITTING = """
role_of (slug, role) AS (SELECT * FROM unnest(%(slugs)s::text[], %(roles)s::text[])),
fitting AS MATERIALIZED (
    SELECT category.id, COALESCE(leaf.role, parent.role) AS role
    FROM catalogue_category AS category
    LEFT JOIN role_of AS leaf ON leaf.slug = split_part(category.path, '/', -1)
    LEFT JOIN role_of AS parent ON parent.slug = split_part(category.path, '/', -2)
    WHERE COALESCE(leaf.role, parent.role) = ANY(%(wanted)s))"""
PER_CATEGORY = 10
POOL = 60
EACH = 6


def role_of(product: Product) -> str:
    """Its part in an outfit; empty if it has none."""
    parts = product.category.path.split("/")[::-1][:2]
    return next((ROLE_OF[part] for part in parts if part in ROLE_OF), "")


@cache
def agree(one: str, other: str) -> bool:
    """Whether two colours go together: a neutral with all, hues that are near or opposite.

    Colours without a hue of their own (multi, unknown) go with neutrals only. In between the
    wheel's neighbours and opposites two strong colours clash.
    """
    one, other = one.lower(), other.lower()
    if one in NEUTRALS or other in NEUTRALS:
        return True
    if not (hex_of(one) and hex_of(other)):
        return False
    apart = abs(_hue(one) - _hue(other)) % 360
    apart = min(apart, 360 - apart)
    return apart <= ALIKE or apart >= OPPOSITE


def _hue(colour: str) -> float:
    """Degrees, 0 to 360."""
    red, green, blue = (int(hex_of(colour)[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return colorsys.rgb_to_hls(red, green, blue)[0] * 360


def colours_for(colours: Iterable[str]) -> list[str]:
    """What goes with every one of them, in small letters. Never empty: neutrals do."""
    wanted = {colour.lower() for colour in colours}
    return sorted(colour for colour in HEX if all(agree(colour, other) for other in wanted))


def complements(
    products: Sequence[Product],
    *,
    around: Sequence[Product] | None = None,
    without: Iterable[int] = (),
) -> dict[str, list[Complement]]:
    """What the ``products`` lack for an outfit, by role, the nearest by picture first; one query.

    ``around``: those of them whose wearer, use, season and picture decide; all unless told
    otherwise. Their categories must be loaded.
    """
    have = {role_of(product) for product in products}
    if "whole" in have:  # with a dress nobody needs a top or trousers
        have |= {"top", "bottom"}
    sources = [source for source in around or products if role_of(source)]
    wanted = [role for source in sources for role in COMPLETED_BY[role_of(source)]]
    wanted = [role for role in dict.fromkeys(wanted) if role not in have]
    if not wanted:
        return {}
    found = goes_with(
        FITTING,
        {
            "slugs": list(ROLE_OF),
            "roles": list(ROLE_OF.values()),
            "wanted": wanted,
            "seasonal": list(SEASONAL),
            "genders": ["", *Product.Gender.values],
            "sources": [source.pk for source in sources],
            "excluded": sorted({*without, *(product.pk for product in products)}),
            "colours": colours_for(product.base_colour for product in sources),
            "per_category": PER_CATEGORY,
            "pool": POOL,
            "each": EACH,
        },
    )
    return {role: [one for one in found if one.role == role] for role in wanted}


def outfit(
    by_role: dict[str, list[Complement]], *, without: Iterable[int] = (), rounds: int = 1
) -> list[int]:
    """Return products for one person, one of each role a round; Unisex goes with either gender."""
    left_out, gender, chosen = set(without), "", list[int]()
    for role in list(by_role) * rounds:
        for one in by_role[role]:
            own = "" if one.gender == "Unisex" else one.gender
            if one.product_id not in left_out and own in {"", gender or own}:
                left_out.add(one.product_id)
                gender = gender or own
                chosen.append(one.product_id)
                break
    return chosen
