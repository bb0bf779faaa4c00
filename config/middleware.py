from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse


class RefuseNul:
    """PostgreSQL cannot hold the character NUL, and nobody types it: 400 instead of an error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        names_and_values = (text for pair in request.GET.lists() for text in (pair[0], *pair[1]))
        if "\x00" in request.path or any("\x00" in text for text in names_and_values):
            return _refusal(request)
        return self.get_response(request)


def _refusal(request: HttpRequest) -> HttpResponse:
    text = "The address contains the character NUL."
    if not request.path.startswith("/api/"):
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
    problem = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": text}
    problem["instance"] = request.path
    return JsonResponse(problem, status=400, content_type="application/problem+json")
