from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class RefuseNul:
    """PostgreSQL cannot hold the character NUL, and nobody types it: 400 instead of an error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        names_and_values = (text for pair in request.GET.lists() for text in (pair[0], *pair[1]))
        if "\x00" in request.path or any("\x00" in text for text in names_and_values):
            text = "The address contains the character NUL."
            return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
        return self.get_response(request)
