"""The names of products in addresses."""

from __future__ import annotations

import uuid

from django.utils.text import slugify


def product_slug(name: str, external_id: str | None) -> str:
    """A readable, unique slug: the name, then the external id or 8 random hex digits."""
    tail = slugify(external_id or "") or uuid.uuid4().hex[:8]
    return f"{slugify(name)[: 119 - len(tail)]}-{tail}".strip("-")
