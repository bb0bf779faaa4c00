"""Fill the admin's dashboard: today's work, and the last month compared to the month before."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, localize, number_format
from django.utils.translation import gettext as _

from recommender.embedding.model_store import unusable_reason
from recommender.embedding.queue import failed, pending
from recommender.models import EmbeddingModel, Event
from recommender.search import replica
from recommender.tracking.events import performance
from recommender.tracking.searches import empty_searches
from shop.catalogue.models import LOW_STOCK, Variant
from shop.core.money import money
from shop.orders.best_sellers import sold_pieces
from shop.orders.models import Order
from shop.reviews.models import Review

DAYS = 30
TABLE_ROWS = 10
S = Order.State


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the context the tiles, charts and tables that the user has permission to view."""
    may = request.user.has_perm
    tiles, charts, tables = [], [], []
    if may("orders.view_order"):
        tiles += _order_tiles()
        charts += _order_charts()
        tables.append(_best_seller_table())
    if may("catalogue.view_variant"):
        tiles += _stock_tiles()
    if may("reviews.view_review"):
        tiles.append(_review_tile())
    if may("catalogue.view_productimage"):
        tiles += _picture_tiles()
    if may("recommender.view_event"):
        charts.append(_search_chart())
        tables += [_search_table(), _recommendation_table()]
    context["tables"] = [table for table in tables if table["rows"]]
    return context | {"tiles": tiles, "charts": charts, "dashboard_days": DAYS}


def _tile(label: str, value: object, url: str, note: str = "") -> dict[str, object]:
    return {"label": label, "value": value, "url": url, "note": note}


def _order_tiles() -> list[dict[str, object]]:
    changelist = reverse("admin:orders_order_changelist")
    today = Order.objects.filter(placed__date=timezone.localdate())
    revenue = today.exclude(state__in=Order.VOID).values("currency").annotate(sum=Sum("total"))
    to_send = Order.objects.filter(state__in=(S.PLACED, S.PAID, S.PACKED)).count()
    sums = [money(row["sum"], row["currency"]) for row in revenue.order_by("currency")]
    return [
        _tile(_("Orders today"), today.count(), changelist),
        _tile(
            _("Revenue today"), " + ".join(sums) or "–", changelist, _("excluding cancelled orders")
        ),
        _tile(_("To fulfil"), to_send, f"{changelist}?state__in=placed,paid,packed"),
    ]


def _stock_tiles() -> list[dict[str, object]]:
    changelist = reverse("admin:catalogue_variant_changelist")
    listed = Variant.objects.filter(product__listed=True)
    low = listed.filter(stock__gt=0, stock__lte=LOW_STOCK).count()
    sold_out = listed.filter(stock=0).count()
    low_url = f"{changelist}?product__listed__exact=1&stock_from=1&stock_to={LOW_STOCK}"
    sold_out_url = f"{changelist}?product__listed__exact=1&stock_from=0&stock_to=0"
    return [
        _tile(_("Low stock"), low, low_url, _("%s or fewer left") % LOW_STOCK),
        _tile(_("Sold out"), sold_out, sold_out_url),
    ]


def _review_tile() -> dict[str, object]:
    waiting = Review.objects.filter(state=Review.State.PENDING).count()
    url = f"{reverse('admin:reviews_review_changelist')}?state__exact=pending"
    return _tile(_("Reviews to moderate"), waiting, url)


def _picture_tiles() -> list[dict[str, object]]:
    changelist = reverse("admin:catalogue_productimage_changelist")
    model = EmbeddingModel.objects.active()
    waiting, stuck = pending(model).count(), failed(model).count()
    return [
        _tile(
            _("Images in the queue"),
            waiting,
            f"{changelist}?embedding=pending",
            note=unusable_reason(model),
        ),
        _tile(_("Failed images"), stuck, f"{changelist}?embedding=failed"),
        *([_replica_tile()] if replica.configured() else []),
    ]


def _replica_tile() -> dict[str, object]:
    seen = replica.monitor.state()
    lag = "–" if seen.lag is None else _("%s s behind") % localize(round(seen.lag, 1))
    doing = _("serving searches") if seen.serving else _("not in use: %s") % seen.problem
    return _tile(_("Replica"), lag, reverse("status"), doing)


def _order_charts() -> list[dict[str, object]]:
    orders = Order.objects.exclude(state__in=Order.VOID)
    counts = _by_day(orders, "placed", Count("pk"))
    currency = orders.values("currency").annotate(n=Count("pk")).order_by("-n").first()
    main = currency["currency"] if currency else ""
    revenue = _by_day(orders.filter(currency=main), "placed", Sum("total"))
    title = _("Revenue in %s") % main if main else _("Revenue")
    return [_chart(_("Orders"), counts), _chart(title, revenue)]


def _search_chart() -> dict[str, object]:
    """Return the chart of photo searches, with the number whose garment shoppers corrected."""
    searches = Event.objects.filter(kind=Event.Kind.SEARCHED)
    corrections = Event.objects.filter(kind=Event.Kind.CORRECTED)
    note = _("Garment corrected by shoppers: %(total)s (%(before)s in the period before)")
    note %= _totals(_by_day(corrections, "at", Count("pk")))
    return _chart(_("Photo searches"), _by_day(searches, "at", Count("pk")), note)


def _by_day(rows: Any, field: str, total: Any) -> dict[date, Any]:
    """Return totals by day for the last ``DAYS``, and for as many days before for comparison."""
    since = timezone.localdate() - timedelta(days=2 * DAYS - 1)
    by_day = rows.filter(**{f"{field}__date__gte": since}).annotate(day=TruncDate(F(field)))
    found = by_day.values("day").annotate(total=total).order_by("day")
    totals = {row["day"]: row["total"] for row in found}
    days = (since + timedelta(days=n) for n in range(2 * DAYS))
    return {day: totals.get(day, 0) for day in days}


def _totals(by_day: dict[date, Any]) -> dict[str, str]:
    """Return the formatted totals of the period and of the one before."""
    values = list(by_day.values())
    return {"total": _number(sum(values[-DAYS:])), "before": _number(sum(values[:-DAYS]))}


def _chart(title: str, by_day: dict[date, Any], note: str = "") -> dict[str, object]:
    """Return a chart for Unfold's component, with the totals of its period and the one before."""
    values = dict(list(by_day.items())[-DAYS:])
    data = {
        "labels": [date_format(day, "SHORT_DATE_FORMAT") for day in values],
        "datasets": [
            {"data": [float(value) for value in values.values()], "backgroundColor": "#9c3f12"}
        ],
    }
    options = {
        "maintainAspectRatio": False,
        "plugins": {"legend": {"display": False}},
        "scales": {"y": {"beginAtZero": True, "ticks": {"precision": 0}}},
    }
    return {
        "title": title,
        "note": note,
        **_totals(by_day),
        "data": json.dumps(data),
        "options": json.dumps(options),
    }


def _number(value: Any) -> str:
    return number_format(value, 2 if value % 1 else 0, force_grouping=True)


def _recommendation_table() -> dict[str, object]:
    """Return impressions, clicks and additions to the cart of each recommendation row."""
    names = {
        "similar": _("Similar items"),
        "photo": _("Photo search results"),
        "recent": _("Recently viewed"),
        "picked": _("Picked for you"),
        "look": _("Complete the look"),
        "bought": _("Frequently bought together"),
        "viewed": _("Customers also viewed"),
        "new-in": _("New in this category"),
        "cart": _("Goes well with"),
        "more-like": _("Similar items, refined"),
    }
    before = {row.block: row for row in performance(DAYS, ago=DAYS)}
    columns = (
        _("Row"),
        _("Impressions"),
        _("Clicks"),
        _("Click-through rate"),
        _("Previous period"),
    )
    rows = [
        (
            *(
                names.get(row.block, row.block),
                row.impressions,
                row.clicks,
                _percent(row.click_rate),
            ),
            _percent(before[row.block].click_rate if row.block in before else None),
            *(row.cart_additions, _percent(row.cart_rate)),
        )
        for row in performance(DAYS)
    ]
    heads = (*columns, _("Added to cart"), _("Add-to-cart rate"))
    return _table(_("Recommendation performance"), heads, rows)


def _best_seller_table() -> dict[str, object]:
    heads = (_("Product"), _("Units sold"), _("Previous period"))
    rows = [(row["title"], row["now"], row["before"]) for row in sold_pieces(DAYS, TABLE_ROWS)]
    return _table(_("Best sellers"), heads, rows)


def _search_table() -> dict[str, object]:
    heads = (_("Search term"), _("Searches"), _("Previous period"))
    rows = [(row["text"], row["now"], row["before"]) for row in empty_searches(DAYS, TABLE_ROWS)]
    note = _("Add synonyms for these terms, or see which products the shop lacks.")
    return _table(_("Searches with no results"), heads, rows, note)


def _table(
    title: str, heads: tuple[str, ...], rows: list[tuple[Any, ...]], note: str = ""
) -> dict[str, object]:
    return {"title": title, "heads": heads, "rows": rows, "note": note}


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{number_format(rate * 100, 1)}\N{NO-BREAK SPACE}%"
