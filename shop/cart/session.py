"""Find, fill, merge and delete carts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from shop.cart.models import MAX_QUANTITY, Cart, CartLine
from shop.catalogue.models import Variant

SESSION_KEY = "cart"


class CartError(ValueError):
    """Tells the shopper why a variant cannot be added to the cart."""


def find_cart(request: HttpRequest) -> Cart | None:
    """Return the visitor's cart, if there is one."""
    if request.user.is_authenticated:
        return Cart.objects.filter(user=request.user).first()
    number = request.session.get(SESSION_KEY)
    return Cart.objects.filter(pk=number, user=None).first() if number else None


def get_or_create_cart(request: HttpRequest) -> Cart:
    if request.user.is_authenticated:
        return Cart.objects.get_or_create(user=request.user)[0]
    cart = find_cart(request)
    if cart is None:
        cart = Cart.objects.create()
        request.session[SESSION_KEY] = cart.pk
    return cart


def delete_orphaned() -> int:
    """Delete guests' carts that no session refers to; return the number deleted.

    Keeps carts younger than a day, because their sessions may not have been saved yet.
    """
    now = timezone.now()
    old = Cart.objects.filter(user=None, created__lt=now - timedelta(days=1))
    guests = set(old.values_list("pk", flat=True))
    for session in Session.objects.filter(expire_date__gt=now).iterator():
        guests.discard(session.get_decoded().get(SESSION_KEY))
    Cart.objects.filter(pk__in=guests, user=None).delete()
    return len(guests)


@transaction.atomic
def add(cart: Cart, variant: Variant, quantity: int) -> int:
    """Add a quantity of the variant; return its quantity in the cart. Raises ``CartError``."""
    Cart.objects.select_for_update().get(pk=cart.pk)
    if not variant.product.listed or variant.stock == 0:
        raise CartError(_("“%(name)s” is sold out.") % {"name": variant})
    if cart.lines.exclude(variant__product__currency=variant.product.currency).exists():
        raise CartError(_("Your cart is in another currency. Please check out or empty it first."))
    line = CartLine.objects.filter(cart=cart, variant=variant).first()
    quantity += line.quantity if line else 0
    if quantity > variant.stock:
        raise CartError(
            _("Only %(stock)s left of “%(name)s”.") % {"stock": variant.stock, "name": variant}
        )
    quantity = min(quantity, MAX_QUANTITY)
    CartLine.objects.update_or_create(cart=cart, variant=variant, defaults={"quantity": quantity})
    return quantity


def merge_on_login(request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """Move a guest's cart lines into the cart of the user who signs in."""
    number = request.session.pop(SESSION_KEY, None) if request is not None else None
    guest = Cart.objects.filter(pk=number, user=None).first() if number else None
    if guest is None:
        return
    with transaction.atomic():
        cart, _new = Cart.objects.get_or_create(user=user)
        for line in guest.lines.order_by("pk"):
            _merge(cart, line)
        guest.delete()


def _merge(cart: Cart, line: CartLine) -> None:
    existing = cart.lines.filter(variant=line.variant)
    if not existing.update(quantity=Least(F("quantity") + line.quantity, MAX_QUANTITY)):
        cart.lines.create(variant=line.variant, quantity=line.quantity)
