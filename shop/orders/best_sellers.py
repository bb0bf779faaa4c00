"""Choose the products that sell best."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from shop.catalogue.models import Product
from shop.orders.models import Order, OrderLine

DAYS = 90


def best_sellers(limit: int) -> list[Product]:
    """Return what was ordered most in the last ``DAYS`` and is in stock; then the newest."""
    since = timezone.now() - timedelta(days=DAYS)
    lines = OrderLine.objects.filter(
        order__placed__gte=since, variant__product__listed=True, variant__product__stock__gt=0
    ).exclude(order__state__in=(Order.State.CANCELLED, Order.State.REFUNDED))
    sold = lines.values_list("variant__product").annotate(n=Sum("quantity"))
    ids = [pk for pk, _n in sold.order_by("-n", "-variant__product")[:limit]]
    buyable = Product.objects.listed().in_stock()
    newest = buyable.exclude(pk__in=ids).newest_first().values_list("pk", flat=True)
    ids += newest[: limit - len(ids)]
    found = buyable.with_card_data().in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]
