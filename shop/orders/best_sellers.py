"""Choose the products that sell best."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from shop.catalogue.browsing.caching import cached_rows
from shop.catalogue.models import Product
from shop.orders.models import Order, OrderLine

DAYS = 90
# Number of best-selling products to read: enough to fill a row after dropping those that are sold
# out or already shown.
CANDIDATES = 60


def _sold_since(moment: datetime) -> QuerySet[OrderLine]:
    """Return the lines of orders placed since ``moment`` and not cancelled or refunded."""
    placed = OrderLine.objects.filter(order__placed__gte=moment)
    return placed.exclude(order__state__in=Order.VOID)


def sold_pieces(days: int, limit: int) -> list[dict[str, Any]]:
    """Return the products with the most pieces ordered in the last ``days`` days.

    In each row, ``now`` is the number of pieces ordered in these days, and ``before`` the number in
    as many days before them.
    """
    first = timezone.now() - timedelta(days=days)
    lines = _sold_since(first - timedelta(days=days)).filter(variant__isnull=False)
    products = lines.values(product=F("variant__product"), title=F("variant__product__name"))
    pieces: QuerySet[Any, Any] = products.annotate(
        now=Coalesce(Sum("quantity", filter=Q(order__placed__gte=first)), 0),
        before=Coalesce(Sum("quantity", filter=Q(order__placed__lt=first)), 0),
    )
    return list(pieces.filter(now__gt=0).order_by("-now", "product")[:limit])


def best_sellers(limit: int, without: Collection[Product] = ()) -> list[Product]:
    """Return the in-stock products ordered most in the last ``DAYS`` days, then the newest.

    Leaves out the products in ``without``. It may take a minute until a new order counts.
    """
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    lines = _sold_since(today - timedelta(days=DAYS)).filter(variant__product__listed=True)
    sold = lines.values_list("variant__product").annotate(n=Sum("quantity"))
    left_out = {product.pk for product in without}
    best = cached_rows(sold.order_by("-n", "-variant__product")[:CANDIDATES])
    ids = [pk for pk, _n in best if pk not in left_out]
    purchasable = Product.objects.listed().in_stock()
    in_stock = set(purchasable.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    ids = [pk for pk in ids if pk in in_stock][:limit]
    newest = (
        purchasable.exclude(pk__in=[*ids, *left_out]).newest_first().values_list("pk", flat=True)
    )
    ids += newest[: limit - len(ids)]
    found = purchasable.with_card_data().in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]
