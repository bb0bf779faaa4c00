from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's own view would leave out all that the frame of a page needs."""
    return render(request, "403_csrf.html", status=403)
