"""Read and change wishlists: customers' in the database, guests' in the session."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest

from shop.catalogue.models import Product
from shop.wishlist.models import SavedProduct

SESSION_KEY = "saved"
# Session key of a dict from product ids (as text) to the price and currency of each product, and
# whether it was sold out, as in ``SavedProduct``.
SNAPSHOTS_KEY = "saved_notes"
MAX_SAVED = 200


@dataclass(frozen=True)
class WishlistItem:
    """Holds a product on a wishlist, with its price and stock when it was added."""

    product: Product
    price: Decimal | None
    currency: str
    sold_out: bool

    @property
    def old_price(self) -> Decimal | None:
        """Return the price at the time the product was added, if it costs less now."""
        before, now = self.price, self.product.price
        if before is None or now is None or self.currency != self.product.currency:
            return None
        return before if now < before else None

    @property
    def is_back(self) -> bool:
        return self.sold_out and not self.product.is_sold_out


def saved_ids(request: HttpRequest) -> list[int]:
    """Return the ids of saved products, newest first; runs a query only for a customer."""
    if request.user.is_authenticated:
        listed = SavedProduct.objects.filter(user=request.user, product__listed=True)
        return list(listed.order_by("-pk").values_list("product_id", flat=True)[:MAX_SAVED])
    return list(request.session.get(SESSION_KEY, []))


def toggle(request: HttpRequest, product: Product) -> bool:
    """Add or remove a product; return whether it is on the wishlist now."""
    if request.user.is_authenticated:
        rows = SavedProduct.objects.filter(user=request.user)
        if rows.filter(product=product).delete()[0]:
            return False
        SavedProduct.objects.get_or_create(
            user=request.user, product=product, defaults=_snapshot(product)
        )
        return True
    ids = saved_ids(request)
    saved = product.pk not in ids
    ids = [product.pk, *ids] if saved else [pk for pk in ids if pk != product.pk]
    snapshots = request.session.get(SNAPSHOTS_KEY, {})
    if saved:
        snapshots[str(product.pk)] = {**_snapshot(product), "price": str(product.price)}
    _store(request, ids[:MAX_SAVED], snapshots)
    return saved


def _snapshot(product: Product) -> dict[str, Any]:
    return {
        "price": product.price,
        "currency": product.currency,
        "sold_out": product.is_sold_out,
    }


def _store(request: HttpRequest, ids: list[int], snapshots: dict[str, Any]) -> None:
    request.session[SESSION_KEY] = ids
    request.session[SNAPSHOTS_KEY] = {
        str(pk): snapshots[str(pk)] for pk in ids if str(pk) in snapshots
    }


def wishlist_items(request: HttpRequest) -> list[WishlistItem]:
    """Return the visitor's wishlist without unlisted products, newest first.

    Stores which products are sold out now, so that the page can show later that they are back.
    """
    if request.user.is_authenticated:
        items = items_of(request.user)
        newly = [item for item in items if item.product.is_sold_out and not item.sold_out]
        if newly:
            rows = SavedProduct.objects.filter(
                user=request.user, product__in=[item.product.pk for item in newly]
            )
            rows.update(sold_out=True)
        return items
    return _items_of_guest(request)


def items_of(user: User) -> list[WishlistItem]:
    """Return a customer's wishlist without unlisted products, newest first."""
    rows = list(SavedProduct.objects.filter(user=user).order_by("-pk")[:MAX_SAVED])
    found = _products([row.product_id for row in rows])
    return [
        WishlistItem(found[row.product_id], row.price, row.currency, row.sold_out)
        for row in rows
        if row.product_id in found
    ]


def _items_of_guest(request: HttpRequest) -> list[WishlistItem]:
    """Return a guest's wishlist; drop unlisted products from the session and follow merges."""
    stored = saved_ids(request)
    found = _products(ids := Product.objects.following_merges(stored) if stored else [])
    snapshots = dict(request.session.get(SNAPSHOTS_KEY, {}))
    items = [_item(found[pk], snapshots.get(str(pk), {})) for pk in ids if pk in found]
    for item in items:
        if item.product.is_sold_out and not item.sold_out:
            pk = str(item.product.pk)
            snapshots[pk] = snapshots.get(pk, {}) | {"sold_out": True}
    shown = [item.product.pk for item in items]
    if shown != stored or snapshots != request.session.get(SNAPSHOTS_KEY, {}):
        _store(request, shown, snapshots)
    return items


def _item(product: Product, snapshot: dict[str, Any]) -> WishlistItem:
    price = Decimal(snapshot["price"]) if snapshot.get("price") else None
    sold_out = snapshot.get("sold_out", False)
    return WishlistItem(product, price, snapshot.get("currency", ""), sold_out)


def _products(ids: list[int]) -> dict[int, Product]:
    return Product.objects.listed().with_card_data().prefetch_related("variants").in_bulk(ids)


def merge_on_login(request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """Add the guest's wishlist to that of the customer who signs in."""
    ids = request.session.pop(SESSION_KEY, []) if request is not None else []
    snapshots = request.session.pop(SNAPSHOTS_KEY, {}) if request is not None else {}
    ids = Product.objects.following_merges(ids)
    there = set(Product.objects.filter(pk__in=ids).values_list("pk", flat=True))
    rows = [
        SavedProduct(user=user, product_id=pk, **snapshots.get(str(pk), {}))
        for pk in reversed(ids)
        if pk in there
    ]
    SavedProduct.objects.bulk_create(rows, ignore_conflicts=True)
