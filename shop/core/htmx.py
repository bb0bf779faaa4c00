"""Recognise requests by htmx."""

from __future__ import annotations

from django.http import HttpRequest


def is_htmx_fragment(request: HttpRequest) -> bool:
    """Return whether htmx swaps the response into the current page.

    Boosted requests and restoring the history need a complete page.
    """
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)
