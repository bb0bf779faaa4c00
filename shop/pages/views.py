"""Show the pages that staff write."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shop.pages.models import Page


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a page in the visitor's language; drafts are shown to staff only."""
    sees_drafts = request.user.has_perm("pages.view_page")
    pages = Page.objects.all() if sees_drafts else Page.objects.published()
    found = pages.with_slug(slug)
    if found is None:
        raise Http404
    return render(request, "shop/pages/page.html", {"page": found})
