from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from shop.wishlist.items import saved_ids


def wishlist(request: HttpRequest) -> dict[str, object]:
    """Provide ``saved_ids``, for the wishlist buttons and the count in the header."""
    return {"saved_ids": SimpleLazyObject(lambda: frozenset(saved_ids(request)))}
