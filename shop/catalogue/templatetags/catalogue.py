"""Define template tags for pictures, size guides and the home page, and filters for values."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from shop.catalogue.attribute_names import attribute_name
from shop.catalogue.browsing import home
from shop.catalogue.browsing.colours import TINTS, tint_of
from shop.catalogue.images.renditions import WIDTHS, rendition_url, rendition_widths
from shop.catalogue.models import Product, ProductImage, Variant
from shop.catalogue.size_guide import SizeGuide
from shop.catalogue.size_guide import size_guide as make_size_guide
from shop.core.money import money

register = template.Library()


# Pictures are formatted without a template, which takes a third of the time; a page has up to a
# hundred pictures.
PICTURE = (
    '<img src="{}" srcset="{}" sizes="{}" width="{}" height="{}" alt="{}" decoding="async" {}{}>'
)
EAGER, LAZY = mark_safe('fetchpriority="high"'), mark_safe('loading="lazy"')
TINT = {name: format_html(' data-tint="{}"', name) for name in TINTS}
# The smallest ratio of width to height at which a picture fills the width of a card. Narrower
# pictures get no tint, because a strip of it would remain visible beside them.
CARD_SHAPE = 0.74


@register.simple_tag
def picture(
    image: ProductImage, kind: str = "card", sizes: str = "100vw", *, eager: bool = False
) -> SafeString:
    """Render an ``<img>`` with ``srcset``; ``kind`` selects the rendition in ``src``."""
    fills = image.width >= CARD_SHAPE * image.height
    urls = {width: rendition_url(image.file, width) for width in rendition_widths(image.width)}
    return format_html(
        PICTURE,
        urls[min(image.width, WIDTHS[kind])],
        ", ".join(f"{url} {width}w" for width, url in urls.items()),
        sizes,
        image.width,
        image.height,
        image.alt_text,
        EAGER if eager else LAZY,
        TINT.get(tint_of(image.product.base_colour), "") if fills else "",
    )


@register.simple_tag
def picture_url(image: ProductImage, kind: str = "zoom") -> str:
    """Return the URL of the rendition of a picture for ``kind``, such as "zoom"."""
    return rendition_url(image.file, min(image.width, WIDTHS[kind]))


@register.simple_tag
def size_guide(product: Product, variants: Iterable[Variant]) -> SizeGuide | None:
    """Return the size guide of a product, or None.

    ``with_card_data`` must have loaded the product.
    """
    return make_size_guide(product, variants)


@register.simple_tag
def home_rows(already_shown: Collection[Product]) -> home.HomeRows:
    """Return the rows of the home page, without the products ``already_shown``."""
    return home.home_rows(already_shown)


register.filter(attribute_name)
register.filter(money)
