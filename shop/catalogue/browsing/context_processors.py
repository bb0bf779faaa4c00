"""Add the site's name, menu and links to the context of every template."""

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
    """Return the context that the base template of every page needs."""
    return {
        "site_name": settings.SITE_NAME,
        # The query string is left out, so that search engines index each page once.
        "canonical": request.build_absolute_uri(request.path),
        "came_from": _referring_page(request),
        "menu": SimpleLazyObject(_menu),
        "new_since": SimpleLazyObject(new_since),
    }


def _menu() -> list[MenuSection]:
    """Return the sections of the menu, cached for ``CACHE_SECONDS``."""
    return cache.get_or_set(f"menu:{get_language()}", menu_sections, CACHE_SECONDS) or []


def _referring_page(request: HttpRequest) -> str:
    """Return the URL of the page whose form was submitted, or an empty string for a GET request.

    Links back to the page need it, because the URL of the form may not support GET.
    """
    if request.method in {"GET", "HEAD"}:
        return ""
    page = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return page if ours else "/"
