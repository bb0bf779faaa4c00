"""Define middleware for body limits, NUL characters, health checks, compression and overload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.template.loader import render_to_string
from django.urls import resolve

from shop.core.problems import is_api, problem
from shop.core.views import unavailable
from shop.core.waiting import TooBusy

HEALTH_PATHS = ("/health/live", "/health/ready", "/health/status")


def body_limit() -> int:
    """Return the body limit for visitors, in bytes.

    The limit is the size of a picture of ``PICTURE_MAX_BYTES`` in base64, plus 1 MB.
    """
    return settings.PICTURE_MAX_BYTES * 4 // 3 + 2**20


class BodyLimitMiddleware:
    """Refuses a large body by its ``Content-Length``, before any of it is read.

    Otherwise Django would read a form to find the CSRF token, and store files of any size on disk.
    Staff may upload larger catalogues; ``process_view`` checks this, because it knows the user.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        is_number = length.isascii() and length.isdecimal()
        if "HTTP_TRANSFER_ENCODING" in request.META or not is_number:
            return _refuse(request, 411, "Send the length of the body in Content-Length.")
        limit = body_limit()
        if request.path.startswith("/admin/"):
            limit += settings.IMPORT_MAX_FILE_BYTES
        if len(length) > 18 or int(length) > limit:
            return _refuse_large(request, limit)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        """Refuse a large body unless the user is staff; runs before the CSRF check."""
        length, limit = int(request.META.get("CONTENT_LENGTH") or 0), body_limit()
        if length <= limit or getattr(request.user, "is_staff", False):
            return None
        return _refuse_large(request, limit)


def _refuse_large(request: HttpRequest, limit: int) -> HttpResponse:
    megabytes = limit // 2**20
    if is_api(request):
        return problem(request, 413, f"At most {megabytes} MB are read.")
    return HttpResponse(render_to_string("413.html", {"megabytes": megabytes}), status=413)


class HealthMiddleware:
    """Answers health checks before the host and HTTPS are checked.

    Monitors call a process without TLS by its IP address, which is not in ``ALLOWED_HOSTS``.
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
    """Answers requests that contain NUL, which PostgreSQL cannot store, with status 400."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        names_and_values = (text for pair in request.GET.lists() for text in (pair[0], *pair[1]))
        if "\x00" in request.path or any("\x00" in text for text in names_and_values):
            return _bad_request(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return status 400 when psycopg raises its error for a NUL in the body.

        Searching the body for NUL in advance would be slow for uploads.
        """
        return (
            _bad_request(request) if isinstance(error, DataError) and "NUL" in str(error) else None
        )


class TooBusyMiddleware:
    """Answers with status 503 if a page raises ``TooBusy``; the API handles this error itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return a response with status 503 if the error is ``TooBusy``."""
        return unavailable(request) if isinstance(error, TooBusy) else None


def _bad_request(request: HttpRequest) -> HttpResponse:
    return _refuse(request, 400, "The request contains the character NUL.")


def _refuse(request: HttpRequest, status: int, text: str) -> HttpResponse:
    """Return the text as a plain response, or as problem details for the API."""
    if is_api(request):
        return problem(request, status, text)
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
