"""Answer health checks, compress text, and refuse NUL characters."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import resolve

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


def _bad_request(request: HttpRequest) -> HttpResponse:
    text = "The request contains the character NUL."
    if not request.path.startswith("/api/"):
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
    problem = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": text}
    problem["instance"] = request.path
    return JsonResponse(problem, status=400, content_type="application/problem+json")
