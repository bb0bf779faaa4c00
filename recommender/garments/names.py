"""Translate the names of garments."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, Promise] = {
    "T-shirts": _("T-shirts"),
    "Tops": _("Tops"),
    "Long-sleeved tops": _("Long-sleeved tops"),
    "Sweatshirts": _("Sweatshirts"),
    "Sweaters": _("Sweaters"),
    "Shirts": _("Shirts"),
    "Jackets": _("Jackets"),
    "Kurtas": _("Kurtas"),
    "Dresses": _("Dresses"),
    "Skirts": _("Skirts"),
    "Trousers": _("Trousers"),
    "Shorts": _("Shorts"),
    "Sarees": _("Sarees"),
    "Nightwear": _("Nightwear"),
    "Bras": _("Bras"),
    "Underwear": _("Underwear"),
    "Socks": _("Socks"),
    "Hats": _("Hats"),
    "Shoes": _("Shoes"),
    "Bags": _("Bags"),
    "Wallets": _("Wallets"),
    "Belts": _("Belts"),
    "Watches": _("Watches"),
    "Sunglasses": _("Sunglasses"),
    "Jewellery": _("Jewellery"),
    "Ties": _("Ties"),
    "Scarves": _("Scarves"),
    "Cosmetics": _("Cosmetics"),
    "Balls": _("Balls"),
    "Gloves": _("Gloves"),
    "Umbrellas": _("Umbrellas"),
}
