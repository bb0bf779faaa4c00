"""Remember recently viewed products, only in a cookie of the visitor's browser."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from shop.catalogue.models import Product
from shop.core.validators import is_id

COOKIE = "recent"
MAX_REMEMBERED = 12
MAX_SHOWN = 5
MONTH = 30 * 24 * 3600


def recent_ids(request: HttpRequest) -> list[int]:
    parts = request.COOKIES.get(COOKIE, "").split(".")[:MAX_REMEMBERED]
    return [int(part) for part in parts if is_id(part)]


def remember(request: HttpRequest, response: HttpResponse, product_id: int) -> None:
    """Add the product as the first of the cookie's recently viewed products."""
    ids = [product_id, *(pk for pk in recent_ids(request) if pk != product_id)][:MAX_REMEMBERED]
    response.set_cookie(
        COOKIE,
        ".".join(str(pk) for pk in ids),
        max_age=MONTH,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def recent_products(request: HttpRequest, without: int | None = None) -> list[Product]:
    ids = Product.objects.following_merges(recent_ids(request))
    ids = [pk for pk in ids if pk != without]
    found = Product.objects.listed().with_card_data().in_bulk(ids) if ids else {}
    return [found[pk] for pk in ids if pk in found][:MAX_SHOWN]
