"""Recognise requests by htmx."""

from __future__ import annotations

from django.http import HttpRequest


def is_htmx_fragment(request: HttpRequest) -> bool:
    """Return whether htmx swaps the response into the current page.

    Otherwise a complete page is needed, as for boosted requests and when the history is restored.
    """
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)
