from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from shop.catalogue.models import Category


def shop(request: HttpRequest) -> dict[str, object]:
    """What the frame of every page shows."""
    return {
        "site_name": settings.SITE_NAME,
        # The page without whatever stands in its query.
        "canonical": request.build_absolute_uri(request.path),
        "top_categories": SimpleLazyObject(lambda: list(Category.objects.top())),
    }
