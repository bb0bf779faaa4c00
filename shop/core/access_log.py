"""Log requests without personal data or secret links."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shop.core.rate_limit import client_address

logger = logging.getLogger("access")


class AccessLogMiddleware:
    """Logs method, route, status, duration and the client's IP address if ``ACCESS_LOG`` is set.

    The route is logged instead of the URL: links in e-mails give access to an order, a photo or a
    new password, and query strings contain what shoppers search for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.ACCESS_LOG:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.monotonic()
        response = self.get_response(request)
        milliseconds = (time.monotonic() - started) * 1000
        line = "%s %s %d %.0f ms %s"
        address = client_address(request)
        logger.info(
            line, request.method, _route(request), response.status_code, milliseconds, address
        )
        return response


def _route(request: HttpRequest) -> str:
    """Return the route of the request, the path of a static file, or "-" for an unknown URL."""
    if request.resolver_match:
        return f"/{request.resolver_match.route}"
    return request.path if request.path.startswith(settings.STATIC_URL) else "-"
