from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def photo_search(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError


def photo_results(request: HttpRequest, photo_id: str) -> HttpResponse:
    raise NotImplementedError


def query_photo(request: HttpRequest, photo_id: str) -> HttpResponse:
    raise NotImplementedError
