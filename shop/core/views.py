"""Answer requests that Django refuses before any of our views, or that a view fails to answer."""

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
    """Let a view show its form again, with what was typed, when its CSRF token is not valid."""

    def decorate(view: View) -> View:
        view.on_csrf_failure = answer  # type: ignore[attr-defined]
        return view

    return decorate


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Render the CSRF failure page in the shop's layout, which Django's own view leaves out.

    A view with ``on_csrf_failure`` may answer instead.
    """
    match = request.resolver_match
    answer = getattr(match.func, "on_csrf_failure", None) if match else None
    if answer and (response := answer(request)):
        return cast(HttpResponse, response)
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Render the page for status 500, or a problem document for programs.

    Django calls it while it handles the error. What PostgreSQL cannot do at the moment, because it
    restarts or its disk is full, is worth another try.
    """
    if isinstance(sys.exc_info()[1], (InterfaceError, OperationalError)):
        return unavailable(request)
    if is_api(request):
        return problem(request, 500, "Something went wrong, and we have been told.")
    return defaults.server_error(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503 with ``Retry-After``, without asking the database for anything."""
    if is_api(request):
        response = problem(request, 503, "The shop is busy. Try again in a few seconds.")
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
