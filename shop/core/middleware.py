"""Answer health checks, compress text, refuse NUL characters, and say when all are busy."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.urls import resolve

from shop.core.problems import is_api, problem
from shop.core.waiting import RETRY_AFTER_SECONDS, TooBusy

HEALTH_PATHS = ("/health/live", "/health/ready", "/health/status")


class HealthMiddleware:
    """Answers health checks before the host and HTTPS are checked.

    A monitor calls a process by its address, which is not in ``ALLOWED_HOSTS``, and without TLS.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in HEALTH_PATHS:
            return self.get_response(request)
        response: HttpResponse = resolve(request.path).func(request)
        return response


class GZipTextMiddleware(GZipMiddleware):
    """Compresses responses except images, which are compressed already."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.get("Content-Type", "").startswith("image/"):
            return response
        return super().process_response(request, response)


class RefuseNulMiddleware:
    """Answers 400 to requests with the character NUL, which PostgreSQL cannot store."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        names_and_values = (text for pair in request.GET.lists() for text in (pair[0], *pair[1]))
        if "\x00" in request.path or any("\x00" in text for text in names_and_values):
            return _bad_request(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for a NUL in the body, which psycopg finds; searching uploads would be slow."""
        return (
            _bad_request(request) if isinstance(error, DataError) and "NUL" in str(error) else None
        )


class TooBusyMiddleware:
    """Answers 503 with ``Retry-After`` to pages that raise ``TooBusy``; the API does so itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page for ``TooBusy``."""
        if not isinstance(error, TooBusy):
            return None
        response = render(request, "503.html", status=503)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def _bad_request(request: HttpRequest) -> HttpResponse:
    text = "The request contains the character NUL."
    if is_api(request):
        return problem(request, 400, text)
    return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
