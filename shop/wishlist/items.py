"""Saved products: of a customer in the database, of a guest in the session."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest

from shop.catalogue.models import Product
from shop.wishlist.models import SavedProduct

SESSION_KEY = "saved"
# By id, as text: what the columns of the same names of ``SavedProduct`` hold.
NOTES_KEY = "saved_notes"
MAX_SAVED = 200


@dataclass(frozen=True)
class WishlistItem:
    """Holds a saved product, and what is kept of the time when it was saved."""

    product: Product
    price: Decimal | None
    currency: str
    sold_out: bool

    @property
    def old_price(self) -> Decimal | None:
        """The price when it was saved, if it costs less now."""
        before, now = self.price, self.product.price
        if before is None or now is None or self.currency != self.product.currency:
            return None
        return before if now < before else None

    @property
    def is_back(self) -> bool:
        return self.sold_out and not self.product.is_sold_out


def saved_ids(request: HttpRequest) -> list[int]:
    """The newest first; one query for a customer, none for a guest."""
    if request.user.is_authenticated:
        mine = SavedProduct.objects.filter(user=request.user, product__listed=True)
        return list(mine.order_by("-pk").values_list("product_id", flat=True)[:MAX_SAVED])
    return list(request.session.get(SESSION_KEY, []))


def toggle(request: HttpRequest, product: Product) -> bool:
    """Save, or forget what was saved. Returns whether it is saved now."""
    if request.user.is_authenticated:
        mine = SavedProduct.objects.filter(user=request.user)
        if mine.filter(product=product).delete()[0]:
            return False
        SavedProduct.objects.get_or_create(
            user=request.user, product=product, defaults=_notes(product)
        )
        return True
    ids = saved_ids(request)
    saved = product.pk not in ids
    ids = [product.pk, *ids] if saved else [pk for pk in ids if pk != product.pk]
    notes = request.session.get(NOTES_KEY, {})
    notes |= {str(product.pk): {**_notes(product), "price": str(product.price)}} if saved else {}
    _remember(request, ids[:MAX_SAVED], notes)
    return saved


def _notes(product: Product) -> dict[str, Any]:
    return {
        "price": product.price,
        "currency": product.currency,
        "sold_out": product.is_sold_out,
    }


def _remember(request: HttpRequest, ids: list[int], notes: dict[str, Any]) -> None:
    request.session[SESSION_KEY] = ids
    request.session[NOTES_KEY] = {str(pk): notes[str(pk)] for pk in ids if str(pk) in notes}


def wishlist_items(request: HttpRequest) -> list[WishlistItem]:
    """Return the visitor's saved products that are still listed, the newest heart first.

    What is sold out now is noted, so that the list can say that it is back.
    """
    if request.user.is_authenticated:
        items = items_of(request.user)
        gone = [item.product.pk for item in items if item.product.is_sold_out and not item.sold_out]
        if gone:
            mine = SavedProduct.objects.filter(user=request.user, product__in=gone)
            mine.update(sold_out=True)
        return items
    return _items_of_guest(request)


def items_of(user: User) -> list[WishlistItem]:
    """Return a customer's saved products that are listed, the newest heart first."""
    rows = list(SavedProduct.objects.filter(user=user).order_by("-pk")[:MAX_SAVED])
    found = _products([row.product_id for row in rows])
    return [
        WishlistItem(found[row.product_id], row.price, row.currency, row.sold_out)
        for row in rows
        if row.product_id in found
    ]


def _items_of_guest(request: HttpRequest) -> list[WishlistItem]:
    """Also drop from the session what is not listed any more, and follow merges."""
    stored = saved_ids(request)
    found = _products(ids := Product.objects.following_merges(stored) if stored else [])
    notes = dict(request.session.get(NOTES_KEY, {}))
    items = [_item(found[pk], notes.get(str(pk), {})) for pk in ids if pk in found]
    for item in items:
        if item.product.is_sold_out and not item.sold_out:
            pk = str(item.product.pk)
            notes[pk] = notes.get(pk, {}) | {"sold_out": True}
    shown = [item.product.pk for item in items]
    if shown != stored or notes != request.session.get(NOTES_KEY, {}):
        _remember(request, shown, notes)
    return items


def _item(product: Product, notes: dict[str, Any]) -> WishlistItem:
    price = Decimal(notes["price"]) if notes.get("price") else None
    sold_out = notes.get("sold_out", False)
    return WishlistItem(product, price, notes.get("currency", ""), sold_out)


def _products(ids: list[int]) -> dict[int, Product]:
    return Product.objects.listed().with_card_data().prefetch_related("variants").in_bulk(ids)


def merge_on_login(request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """Give the customer who signs in what the guest saved."""
    ids = request.session.pop(SESSION_KEY, []) if request is not None else []
    notes = request.session.pop(NOTES_KEY, {}) if request is not None else {}
    ids = Product.objects.following_merges(ids)
    there = set(Product.objects.filter(pk__in=ids).values_list("pk", flat=True))
    rows = [
        SavedProduct(user=user, product_id=pk, **notes.get(str(pk), {}))
        for pk in reversed(ids)
        if pk in there
    ]
    SavedProduct.objects.bulk_create(rows, ignore_conflicts=True)
