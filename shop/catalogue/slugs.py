"""The names of products in addresses."""

from __future__ import annotations

import unicodedata
import uuid
from typing import TYPE_CHECKING

from django.utils.text import slugify

if TYPE_CHECKING:
    from shop.catalogue.models import Product


def category_slug(name: str) -> str:
    """Return the last part of a category's address, in the script of its name.

    Letters of Latin scripts become ASCII; where there are others, all stay as they are.
    """
    latin = all("LATIN" in unicodedata.name(c, "") for c in name if c.isalpha())
    return slugify(name, allow_unicode=not latin)


def product_slug(name: str, external_id: str | None) -> str:
    """A readable, unique slug: the name, then the external id or 8 random hex digits."""
    tail = slugify(external_id or "") or uuid.uuid4().hex[:8]
    return f"{slugify(name)[: 119 - len(tail)]}-{tail}".strip("-")


def free_slug(product: Product) -> str:
    """Ids such as "A.1" and "A1" give one slug; the later product gets 8 random hex digits."""
    slug = product_slug(product.name, product.external_id)
    others = type(product).objects.exclude(pk=product.pk)
    return f"{slug[:111]}-{uuid.uuid4().hex[:8]}" if others.filter(slug=slug).exists() else slug
