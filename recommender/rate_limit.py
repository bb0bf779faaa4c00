"""How many photo searches one address may make in an hour."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from shop.core.rate_limit import allows


def allows_photo_search(request: HttpRequest) -> bool:
    return allows(request, "photo-search", settings.PHOTO_SEARCHES_PER_HOUR)
