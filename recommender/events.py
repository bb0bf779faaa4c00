"""How often a block of recommendations is seen and followed. Says nothing about who."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from recommender.models import Event
from shop.catalogue.models import Product

BLOCKS = ("similar", "photo", "recent")
OPT_OUT_COOKIE = "no_counting"
MAX_PRODUCT_ID = 2**63 - 1


def may_count(request: HttpRequest) -> bool:
    """Not who has said no, by our button or by the browser's own setting."""
    signals = (request.headers.get("Sec-GPC"), request.headers.get("DNT"))
    return "1" not in signals and not request.COOKIES.get(OPT_OUT_COOKIE)


def record(events: Iterable[tuple[str, str, int | None]]) -> int:
    """``(block, kind, product id)``. What names no block, kind or product is left out."""
    wanted = [event for event in events if event[0] in BLOCKS and event[1] in Event.Kind.values]
    ids = {product for _block, _kind, product in wanted if product is not None}
    known = set(Product.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    rows = [
        Event(block=block, kind=kind, product_id=product)
        for block, kind, product in wanted
        if product is None or product in known
    ]
    return len(Event.objects.bulk_create(rows))


def click_through(days: int) -> list[dict[str, object]]:
    """Of each block: how often it was seen and followed in the last days, and the rate."""
    since = timezone.now() - timedelta(days=days)
    rows = Event.objects.filter(at__gte=since).values("block")
    counted = rows.annotate(
        seen=Count("pk", filter=Q(kind=Event.Kind.SEEN)),
        followed=Count("pk", filter=Q(kind=Event.Kind.FOLLOWED)),
    )
    return [
        {**row, "rate": row["followed"] / row["seen"] if row["seen"] else None}
        for row in counted.order_by("block")
    ]


def delete_old_events() -> int:
    before = timezone.now() - timedelta(days=settings.EVENT_LIFETIME_DAYS)
    return Event.objects.filter(at__lt=before).delete()[0]
