"""Saved products: of a customer in the database, of a guest in the session."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from shop.catalogue.models import Product
from shop.wishlist.models import SavedProduct

SESSION_KEY = "saved"
MAX_SAVED = 200


def saved_ids(request: HttpRequest) -> list[int]:
    """The newest first; one query for a customer, none for a guest."""
    if request.user.is_authenticated:
        mine = SavedProduct.objects.filter(user=request.user).order_by("-pk")
        return list(mine.values_list("product_id", flat=True)[:MAX_SAVED])
    return list(request.session.get(SESSION_KEY, []))


def toggle(request: HttpRequest, product: Product) -> bool:
    """Save, or forget what was saved. Returns whether it is saved now."""
    if request.user.is_authenticated:
        mine = SavedProduct.objects.filter(user=request.user)
        if mine.filter(product=product).delete()[0]:
            return False
        SavedProduct.objects.get_or_create(user=request.user, product=product)
        return True
    ids = saved_ids(request)
    saved = product.pk not in ids
    ids = [product.pk, *ids] if saved else [pk for pk in ids if pk != product.pk]
    request.session[SESSION_KEY] = ids[:MAX_SAVED]
    return saved


def saved_products(request: HttpRequest) -> list[Product]:
    """Those that are still listed, the newest heart first."""
    ids = Product.objects.following_merges(saved_ids(request))
    found = Product.objects.listed().with_card_data().in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def merge_on_login(request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    ids = request.session.pop(SESSION_KEY, []) if request is not None else []
    ids = Product.objects.following_merges(ids)
    there = Product.objects.filter(pk__in=ids).values_list("pk", flat=True)
    rows = [SavedProduct(user=user, product_id=pk) for pk in reversed(ids) if pk in set(there)]
    SavedProduct.objects.bulk_create(rows, ignore_conflicts=True)
