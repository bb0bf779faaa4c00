"""Receive the events that browsers report, and let visitors opt out of analytics."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from recommender.tracking.events import (
    OPT_OUT_COOKIE,
    PAGE,
    VISIT_COOKIE,
    record,
    tracking_allowed,
    visit_key,
)
from shop.core.rate_limit import allows
from shop.core.validators import is_id

MAX_EVENTS = 20


@csrf_exempt  # sendBeacon cannot send a CSRF token, and the view only counts
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """Store the events sent as ``event=block,kind,product``, at most ``MAX_EVENTS`` of them.

    The response is 204 even for invalid events, since the browser ignores it.
    """
    response = HttpResponse(status=204)
    own = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    if own and tracking_allowed(request) and allows(request, "events", settings.EVENTS_PER_HOUR):
        sent = [_event(text) for text in request.POST.getlist("event")[:MAX_EVENTS]]
        visit = visit_key(request)
        record([event for event in sent if event is not None], visit)
        if any(event is not None and event[0] == PAGE for event in sent):
            secure = settings.SESSION_COOKIE_SECURE
            response.set_cookie(VISIT_COOKIE, visit, httponly=True, samesite="Lax", secure=secure)
    return response


def _event(text: str) -> tuple[str, str, int | None] | None:
    block, kind, product = [*text.split(","), "", ""][:3]
    if product and not is_id(product):
        return None
    return block, kind, int(product) if product else None


@require_POST
def opt_out(request: HttpRequest) -> HttpResponse:
    """Opt this browser out of analytics, or in again."""
    response = redirect("catalogue:privacy")
    response.delete_cookie(VISIT_COOKIE, samesite="Lax")
    if request.COOKIES.get(OPT_OUT_COOKIE):
        response.delete_cookie(OPT_OUT_COOKIE)
    else:
        response.set_cookie(
            OPT_OUT_COOKIE,
            "1",
            max_age=5 * 365 * 86400,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response
