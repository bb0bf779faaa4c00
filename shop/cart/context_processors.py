from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from shop.cart.session import find_cart


def cart(request: HttpRequest) -> dict[str, object]:
    """Provide ``cart_count``, which is queried only if a template shows it."""

    def count() -> int:
        found = find_cart(request)
        return found.count() if found else 0

    return {"cart_count": SimpleLazyObject(count)}
