"""Render the pages for CSRF failures, server errors and overload."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import cast

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults

from shop.core.problems import is_api, problem
from shop.core.waiting import RETRY_AFTER_SECONDS

View = Callable[..., HttpResponse]


def on_csrf_failure(answer: Callable[[HttpRequest], HttpResponse | None]) -> Callable[[View], View]:
    """Register a function that is called instead of the view when the CSRF token is invalid.

    It can show the form of the view again, with the input. If it returns ``None``, the usual error
    page is shown.
    """

    def decorate(view: View) -> View:
        view.on_csrf_failure = answer  # type: ignore[attr-defined]
        return view

    return decorate


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Render the CSRF failure page in the shop's layout, or call the view's ``on_csrf_failure``.

    Django's own view would render the page without the context processors that the layout needs.
    """
    match = request.resolver_match
    answer = getattr(match.func, "on_csrf_failure", None) if match else None
    if answer and (response := answer(request)):
        return cast(HttpResponse, response)
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return a response with status 500, or 503 for errors of PostgreSQL.

    Clients should try again after status 503, because a restart or a full disk is temporary. Django
    calls this function while it handles the exception.
    """
    if isinstance(sys.exc_info()[1], (InterfaceError, OperationalError)):
        return unavailable(request)
    if is_api(request):
        return problem(request, 500, "Something went wrong. We have been notified.")
    return defaults.server_error(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return a response with status 503 and ``Retry-After``, without using the database."""
    if is_api(request):
        response = problem(request, 503, "The shop is busy. Try again in a few seconds.")
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
