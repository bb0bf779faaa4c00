from __future__ import annotations

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language

from shop.catalogue.browsing.caching import CACHE_SECONDS
from shop.catalogue.browsing.menu import MenuSection, menu_sections
from shop.catalogue.browsing.newness import new_since


def shop(request: HttpRequest) -> dict[str, object]:
    """What the frame of every page shows."""
    return {
        "site_name": settings.SITE_NAME,
        # The page without whatever stands in its query.
        "canonical": request.build_absolute_uri(request.path),
        "came_from": _came_from(request),
        "menu": SimpleLazyObject(_menu),
        "new_since": SimpleLazyObject(new_since),
    }


def _menu() -> list[MenuSection]:
    """Return the sections of the menu, up to a minute old."""
    return cache.get_or_set(f"menu:{get_language()}", menu_sections, CACHE_SECONDS) or []


def _came_from(request: HttpRequest) -> str:
    """Where the form stood that this page answers, whose own address may know no GET.

    Empty if it answers none.
    """
    if request.method in {"GET", "HEAD"}:
        return ""
    page = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return page if ours else "/"
