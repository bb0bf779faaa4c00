"""Answer requests that Django refuses before any of our views, or that a view fails to answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from shop.core.problems import is_api, problem


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Render the CSRF failure page in the shop's layout, which Django's own view leaves out."""
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Render the page for status 500, or a problem document for programs."""
    if is_api(request):
        return problem(request, 500, "Something went wrong, and we have been told.")
    return defaults.server_error(request)
