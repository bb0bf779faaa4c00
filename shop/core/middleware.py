from __future__ import annotations

from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import resolve


class Health:
    """Before all that asks how the site was called: who watches calls a process by its address,
    which is in no ``ALLOWED_HOSTS``, and without TLS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in ("/health/live", "/health/ready"):
            return self.get_response(request)
        answer: HttpResponse = resolve(request.path).func(request)
        return answer


class GZipText(GZipMiddleware):
    """Pictures are compressed already."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.get("Content-Type", "").startswith("image/"):
            return response
        return super().process_response(request, response)


class RefuseNul:
    """PostgreSQL cannot hold the character NUL, and nobody types it: 400 instead of an error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        names_and_values = (text for pair in request.GET.lists() for text in (pair[0], *pair[1]))
        if "\x00" in request.path or any("\x00" in text for text in names_and_values):
            return _refusal(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """In what was posted psycopg finds it; to look through uploads here takes too long."""
        return _refusal(request) if isinstance(error, DataError) and "NUL" in str(error) else None


def _refusal(request: HttpRequest) -> HttpResponse:
    text = "The request contains the character NUL."
    if not request.path.startswith("/api/"):
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
    problem = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": text}
    problem["instance"] = request.path
    return JsonResponse(problem, status=400, content_type="application/problem+json")
