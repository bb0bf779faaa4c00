"""Return errors as problem details (RFC 9457) from code outside the views of the API."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse


def is_api(request: HttpRequest) -> bool:
    """Return whether the request is for the API."""
    return request.path.startswith("/api/")


def problem(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """Return a problem details response."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
    }
    return JsonResponse(content, status=status, content_type="application/problem+json")
