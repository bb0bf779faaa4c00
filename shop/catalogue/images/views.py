"""Serve pictures and their renditions."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import etag, require_safe

from shop.catalogue.images.pictures import PictureError
from shop.catalogue.images.renditions import read_rendition


@require_safe
@etag(lambda request, name: f'"{name}"')
@cache_control(public=True, immutable=True, max_age=31_536_000)
def picture(request: HttpRequest, name: str) -> HttpResponse:
    """Return a picture; it is cached for ever, because its name is a hash of its content."""
    try:
        content = read_rendition(name)
    except (FileNotFoundError, PictureError):
        raise Http404 from None
    kind = "image/webp" if name.endswith(".webp") else "image/jpeg"
    return HttpResponse(content, content_type=kind)
