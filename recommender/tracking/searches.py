"""Count searches without a result by text and day, anonymously."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Sum
from django.http import HttpRequest
from django.utils import timezone

from recommender.models import EmptySearch
from recommender.tracking.events import tracking_allowed
from shop.core.rate_limit import allows

# Matches e-mail addresses, and digits as in a phone, order or card number.
_PERSONAL = re.compile(r"@|(?:\d[\s/()+-]*){5}")
MAX_LETTERS = 60
# Texts with fewer searches are not shown, because such a text may identify a person, as a name
# does.
LEAST_SEARCHES = 2


def record_empty_search(request: HttpRequest, text: str, **kwargs: Any) -> None:
    """Count the text for today, unless it may be personal or the shopper opted out of analytics."""
    words = " ".join(text.lower().split())
    if len(words) > MAX_LETTERS or _PERSONAL.search(words) or request.method != "GET":
        return
    limit = settings.EVENTS_PER_HOUR
    if not tracking_allowed(request) or not allows(request, "empty-searches", limit):
        return
    today = timezone.localdate()
    row = EmptySearch(text=words, day=today, searches=0)
    EmptySearch.objects.bulk_create([row], ignore_conflicts=True)
    found = EmptySearch.objects.filter(text=words, day=today)
    found.update(searches=F("searches") + 1)


def empty_searches(days: int, limit: int) -> list[dict[str, Any]]:
    """Return the most frequent texts without a result, as ``text``, ``now`` and ``before``.

    ``now`` counts the searches of the last ``days``, ``before`` those of as many days before.
    """
    first = timezone.localdate() - timedelta(days=days - 1)
    rows = EmptySearch.objects.filter(day__gte=first).values("text").annotate(now=Sum("searches"))
    found = list(rows.filter(now__gte=LEAST_SEARCHES).order_by("-now", "text")[:limit])
    earlier = EmptySearch.objects.filter(day__lt=first, day__gte=first - timedelta(days=days))
    earlier = earlier.filter(text__in=[row["text"] for row in found])
    before = dict(earlier.values_list("text").annotate(n=Sum("searches")))
    return [row | {"before": before.get(row["text"], 0)} for row in found]
