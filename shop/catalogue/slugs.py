"""Make the slugs of categories and products."""

from __future__ import annotations

import unicodedata
import uuid
from typing import TYPE_CHECKING

from django.utils.text import slugify

if TYPE_CHECKING:
    from shop.catalogue.models import Product


def category_slug(name: str) -> str:
    """Return the slug of a category: ASCII for a name in Latin script, else Unicode."""
    latin = all("LATIN" in unicodedata.name(c, "") for c in name if c.isalpha())
    return slugify(name, allow_unicode=not latin)


def product_slug(name: str, external_id: str | None) -> str:
    """Return a slug from the name and the external id or, without an id, 8 random hex digits."""
    # ``slugify`` can lengthen an id: it turns the single character ㎓ into "ghz".
    tail = slugify(external_id or "")[:64] or uuid.uuid4().hex[:8]
    return f"{slugify(name)[: 119 - len(tail)]}-{tail}".strip("-")


def free_slug(product: Product) -> str:
    """Return a slug that is not in use, appending 8 random hex digits if necessary.

    Different ids, such as "A.1" and "A1", may give the same slug.
    """
    slug = product_slug(product.name, product.external_id)
    others = type(product).objects.exclude(pk=product.pk)
    return f"{slug[:111]}-{uuid.uuid4().hex[:8]}" if others.filter(slug=slug).exists() else slug
