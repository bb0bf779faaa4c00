"""Answer requests that Django refuses before any of our views."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Render the CSRF failure page in the shop's layout, which Django's own view leaves out."""
    return render(request, "403_csrf.html", status=403)
