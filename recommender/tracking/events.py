"""How often a block of recommendations is seen and followed, and what is looked at in one visit.

Says nothing about who: a visit is a random key that ends with the browser's session.
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

BLOCKS = (
    *("similar", "new-in", "photo", "recent", "picked", "look", "bought", "viewed", "cart"),
    "steered",
)
# Not a block: a product's page was looked at.
PAGE = "product"
VISIT_COOKIE = "visit"
VISIT = re.compile(r"[\w-]{22}", re.ASCII)
OPT_OUT_COOKIE = "no_counting"


def tracking_allowed(request: HttpRequest) -> bool:
    """Not who has said no, by our button or by the browser's own setting."""
    signals = (request.headers.get("Sec-GPC"), request.headers.get("DNT"))
    return "1" not in signals and not request.COOKIES.get(OPT_OUT_COOKIE)


def visit_key(request: HttpRequest) -> str:
    """The random key that ties the pages of this visit together; a new one if there is none."""
    visit = request.COOKIES.get(VISIT_COOKIE, "")
    return visit if VISIT.fullmatch(visit) else secrets.token_urlsafe(16)


def record(events: Iterable[tuple[str, str, int | None]], visit: str = "") -> int:
    """``(block, kind, product id)``. What names no block, kind or product is left out.

    The ``visit`` is noted with looks at product pages and nothing else.
    """
    wanted = [event for event in events if _makes_sense(*event)]
    ids = {product for _block, _kind, product in wanted if product is not None}
    known = set(Product.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    rows = [
        Event(block=block, kind=kind, product_id=product, visit=visit if block == PAGE else "")
        for block, kind, product in wanted
        if product is None or product in known
    ]
    return len(Event.objects.bulk_create(rows))


def _makes_sense(block: str, kind: str, product: int | None) -> bool:
    if block == PAGE:
        return kind == Event.Kind.VIEWED and product is not None
    return block in BLOCKS and kind in Event.Kind.values and kind != Event.Kind.VIEWED


@dataclass(frozen=True)
class BlockPerformance:
    """Holds how often a block was seen, one of its products followed and then put into a cart."""

    block: str
    seen: int
    followed: int
    added: int

    @property
    def rate(self) -> float | None:
        """Clicks per impression."""
        return self.followed / self.seen if self.seen else None

    @property
    def cart_rate(self) -> float | None:
        """Products put into a cart per click."""
        return self.added / self.followed if self.followed else None


def performance(days: int, *, ago: int = 0) -> list[BlockPerformance]:
    """Return the performance of each block in ``days`` that ended ``ago`` days ago."""
    until = timezone.now() - timedelta(days=ago)
    rows = Event.objects.filter(at__gt=until - timedelta(days=days), at__lte=until)
    rows = rows.exclude(block=PAGE)
    kinds = (Event.Kind.SEEN, Event.Kind.FOLLOWED, Event.Kind.ADDED)
    counts = {kind.value: Count("pk", filter=Q(kind=kind)) for kind in kinds}
    counted: Any = rows.values("block").annotate(**counts).order_by("block")
    return [BlockPerformance(row["block"], *(row[kind.value] for kind in kinds)) for row in counted]


def delete_old_events() -> int:
    """Delete what is older than ``EVENT_LIFETIME_DAYS``; return the number of events."""
    before = timezone.now() - timedelta(days=settings.EVENT_LIFETIME_DAYS)
    EmptySearch.objects.filter(day__lt=before.date()).delete()
    return Event.objects.filter(at__lt=before).delete()[0]
