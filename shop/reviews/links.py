"""Sign the links by which buyers review what they bought."""

from __future__ import annotations

from datetime import timedelta

from django.core import signing
from django.urls import reverse

from shop.catalogue.models import Product
from shop.orders.models import Order

SALT = "shop.reviews"
# Links must not be valid for longer than SECRET_KEY_FALLBACKS are kept, because old links are
# verified with these keys.
LIFETIME = timedelta(days=30)


class LinkExpired(ValueError):
    """Signals that a link was sent too long ago."""


def review_path(order: Order, product: Product) -> str:
    """Return the path of the page on which the buyer reviews a product of the order."""
    token = signing.dumps([order.pk, product.pk], salt=SALT)
    return reverse("reviews:write", args=[token])


def read_token(token: str) -> tuple[int, int] | None:
    """Return the order id and product id of a token; None if forged. Raises ``LinkExpired``."""
    try:
        order, product = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except signing.SignatureExpired as error:
        raise LinkExpired from error
    except signing.BadSignature:
        return None
    return order, product
