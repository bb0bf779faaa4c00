"""Define template tags for the pages that staff write, and for searches for such a page."""

from __future__ import annotations

from django import template
from django.utils.functional import Promise

from shop.catalogue.browsing.caching import cached_rows
from shop.pages import search
from shop.pages.models import Page, in_language

register = template.Library()
COLUMNS = ("slug", "language", "title")


@register.simple_tag
def published_pages() -> dict[str, Page]:
    """Return the published pages by slug, sorted by position, without their text."""
    rows = cached_rows(Page.objects.published().values_list(*COLUMNS))
    return in_language(Page(**dict(zip(COLUMNS, row, strict=True))) for row in rows)


@register.simple_tag
def page_for(text: str) -> tuple[str | Promise, str] | None:
    """Return the title and URL of the page that a search is for, or None."""
    return search.page_for(text)
