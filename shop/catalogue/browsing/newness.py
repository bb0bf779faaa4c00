"""Decide which products are marked as new."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils import timezone

from shop.catalogue.browsing.caching import cached_rows
from shop.catalogue.models import Product

DAYS = 30
# If more than this share of the products is new, as after the first import, none is marked as new.
MAX_SHARE = 0.25


def new_since() -> datetime | None:
    """Return the creation time from which products count as new, or ``None`` to mark none."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(days=DAYS)
    counted = Product.objects.listed().order_by().values_list("listed")
    new = Count("pk", filter=Q(created__gte=since))
    for _listed, total, newer in cached_rows(counted.annotate(total=Count("pk"), newer=new)):
        return since if newer <= total * MAX_SHARE else None
    return None
