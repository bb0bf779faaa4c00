"""Track impressions and clicks of recommendation rows, and which products one visit views.

Events are anonymous: a visit is a random key that ends with the browser's session.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from recommender.models import EmptySearch, Event
from shop.catalogue.models import Product

# Names of recommendation rows; "more-like" is the page that refines similar items.
BLOCKS = (
    *("similar", "new-in", "photo", "recent", "picked", "look", "bought", "viewed", "cart"),
    "more-like",
)
# Stored instead of a row's name when a product page was viewed.
PAGE = "product"
VISIT_COOKIE = "visit"
VISIT = re.compile(r"[\w-]{22}", re.ASCII)
OPT_OUT_COOKIE = "no_counting"


def tracking_allowed(request: HttpRequest) -> bool:
    """Return ``False`` if the visitor opted out, by the shop's button or by a browser setting."""
    signals = (request.headers.get("Sec-GPC"), request.headers.get("DNT"))
    return "1" not in signals and not request.COOKIES.get(OPT_OUT_COOKIE)


def visit_key(request: HttpRequest) -> str:
    """Return the random key that the pages of this visit share, or a new one."""
    visit = request.COOKIES.get(VISIT_COOKIE, "")
    return visit if VISIT.fullmatch(visit) else secrets.token_urlsafe(16)


def record(events: Iterable[tuple[str, str, int | None]], visit: str = "") -> int:
    """Store events of (block, kind, product id) and return how many were valid.

    The ``visit`` is stored with views of product pages only.
    """
    valid = [event for event in events if _is_valid(*event)]
    ids = {product for _block, _kind, product in valid if product is not None}
    known = set(Product.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    rows = [
        Event(block=block, kind=kind, product_id=product, visit=visit if block == PAGE else "")
        for block, kind, product in valid
        if product is None or product in known
    ]
    return len(Event.objects.bulk_create(rows))


def _is_valid(block: str, kind: str, product: int | None) -> bool:
    if block == PAGE:
        return kind == Event.Kind.VIEWED and product is not None
    return block in BLOCKS and kind in Event.Kind.values and kind != Event.Kind.VIEWED


@dataclass(frozen=True)
class BlockPerformance:
    """Counts the impressions and clicks of a row, and additions to the cart after a click."""

    block: str
    impressions: int
    clicks: int
    cart_additions: int

    @property
    def click_rate(self) -> float | None:
        """Clicks per impression."""
        return self.clicks / self.impressions if self.impressions else None

    @property
    def cart_rate(self) -> float | None:
        """Products added to a cart per click."""
        return self.cart_additions / self.clicks if self.clicks else None


def performance(days: int, *, ago: int = 0) -> list[BlockPerformance]:
    """Return the performance of each row during the ``days`` days that ended ``ago`` days ago."""
    until = timezone.now() - timedelta(days=ago)
    rows = Event.objects.filter(at__gt=until - timedelta(days=days), at__lte=until)
    rows = rows.exclude(block=PAGE)
    kinds = (Event.Kind.IMPRESSION, Event.Kind.CLICK, Event.Kind.ADDED)
    counts = {kind.value: Count("pk", filter=Q(kind=kind)) for kind in kinds}
    counted: Any = rows.values("block").annotate(**counts).order_by("block")
    return [BlockPerformance(row["block"], *(row[kind.value] for kind in kinds)) for row in counted]


def delete_old_events() -> int:
    """Delete events and empty searches older than ``EVENT_LIFETIME_DAYS``.

    Returns the number of events deleted.
    """
    before = timezone.now() - timedelta(days=settings.EVENT_LIFETIME_DAYS)
    EmptySearch.objects.filter(day__lt=before.date()).delete()
    return Event.objects.filter(at__lt=before).delete()[0]
